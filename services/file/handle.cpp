#include "services/file/handle.hpp"

#include <unistd.h>

namespace instar::file {

handle::~handle() { ::close(fd_); }

} // namespace instar::file

#include "actors/bytes.hpp"

namespace instar {

bytes::~bytes() = default;

} // namespace instar

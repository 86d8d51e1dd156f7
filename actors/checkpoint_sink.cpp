#include "actors/checkpoint_sink.hpp"

namespace instar {

checkpoint_sink::~checkpoint_sink() = default;

} // namespace instar

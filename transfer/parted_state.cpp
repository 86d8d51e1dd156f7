#include "transfer/parted_state.hpp"

namespace instar {

state_source::~state_source() = default;
parted_state::~parted_state() = default;

} // namespace instar

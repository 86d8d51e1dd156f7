#include "actors/descriptor_packet.hpp"

namespace instar {

descriptor_packet::~descriptor_packet() = default;

} // namespace instar

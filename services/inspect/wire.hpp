#pragma once

#include "inspect_wire.capnp.h"
#include "services/inspect/octets.hpp"
#include "services/inspect/rules.hpp"

#include <cstdint>

namespace instar::inspect {

inline octets octets_of(capnp::Data::Reader from) {
  return {reinterpret_cast<const char*>(from.begin()), from.size()};
}
inline capnp::Data::Reader data_of(octets from) {
  return {reinterpret_cast<const kj::byte*>(from.data()), from.size()};
}

inline endpoints endpoints_of(wire::Header::Reader from) {
  return {from.getProtocol(), from.getSource(), from.getDestination(), from.getSourcePort(),
          from.getDestinationPort()};
}
inline void write(wire::Header::Builder into, std::uint64_t frame, const endpoints& of) {
  into.setNumber(frame);
  into.setProtocol(of.protocol);
  into.setSource(of.source);
  into.setDestination(of.destination);
  into.setSourcePort(of.source_port);
  into.setDestinationPort(of.destination_port);
}

/// Jobs of clients have even numbers.
inline bool is_own(std::uint64_t job) { return job % 2 == 1; }

} // namespace instar::inspect

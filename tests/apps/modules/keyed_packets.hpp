#pragma once

#include <cstdint>

namespace instar::test {

/// So many keys the packets of a chain have, in turn.
constexpr std::uint64_t keyed_packets = 3000;

/// What a keeper has for a key after the first `packets` of the chain: how many of them had it.
/// Some keys are forgotten now and then, and begin at 0.
constexpr std::uint64_t kept_of(std::uint64_t key, std::uint64_t packets) {
  const auto seen = (packets + keyed_packets - 1 - key) / keyed_packets;
  return key % 3 == 0 ? seen % 5 : seen;
}

} // namespace instar::test

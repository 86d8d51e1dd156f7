#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::monitor {

/// What a member says of itself.
struct status {
  std::string name;
  std::uint64_t incarnation = 0; ///< another one each time the member starts
  std::uint64_t sequence = 0;    ///< grows by one with each status of an incarnation
  bool leaves = false;
  std::string address; ///< the bytes of a `sockaddr`: where it can be asked
  std::vector<std::pair<std::string, std::uint64_t>> counters;
};

inline constexpr std::size_t most_counters = 32, longest_name = 64, longest_datagram = 8192;

/// Reads a line of a datagram: `status NAME INCARNATION SEQUENCE [COUNTER=VALUE]…`, or
/// `leave NAME INCARNATION SEQUENCE`. Returns what is wrong with it, empty if it is right.
std::string parse_status(std::string_view line, status& into);

/// `127.0.0.1:4803`, of the bytes of a `sockaddr`.
std::string show_address(std::string_view address);

} // namespace instar::monitor

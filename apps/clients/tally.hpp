#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace instar::clients {

/// What clients of a service have seen of it.
struct tally {
  std::uint64_t answers = 0;           ///< that came, and were right
  std::uint64_t failed = 0;            ///< answers that were wrong, late or did not come
  std::uint64_t reopened = 0;          ///< connections that had to be made again
  std::chrono::nanoseconds longest{0}; ///< that anybody waited for an answer
  std::string first_failure;
  std::map<std::string, std::uint64_t> more; ///< further figures of one service; are added up

  bool clean() const { return failed == 0 && reopened == 0; }
  tally& operator+=(const tally& other);
};

/// One object: `answers`, `failed`, `reopened`, `longest_ms`, and what is in `more`.
std::string to_json(const tally& of);
/// One line for people.
std::string to_text(const tally& of);

} // namespace instar::clients

#pragma once

#include "random_case.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace instar::test {

/// What became of a case.
struct run_result {
  std::optional<std::string> breach; ///< of what has to hold; nothing if all did
  std::size_t committed = 0, rolled_back = 0, refused = 0, unchanged = 0;
  std::size_t under_load = 0; ///< transitions asked for while a source had more to emit
  std::size_t messages = 0;
  bool lost = false; ///< an actor that served was killed, so that the service had to stop
};

/// Runs a case, always in the same way.
run_result run_case(const random_case& c);

/// A small case that fails as well, found by leaving out what is not needed for that; at most
/// `most_runs` are tried.
random_case shrink(random_case failing, std::size_t most_runs = 4000);

} // namespace instar::test

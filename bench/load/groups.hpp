#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace instar::load {

/// What `--group NAME,PATH,CLIENTS[,FILES[,PERIOD_MS]]` says.
struct group_text {
  std::string name; ///< letters, digits and `_`: it begins the names of figures
  std::string path; ///< a pattern as `expand` takes it
  std::size_t clients = 1, files = 1;
  double period_ms = 0; ///< 0: closed loop
};

/// Throws `std::runtime_error` with what is wrong.
group_text parse_group(std::string_view text);

} // namespace instar::load

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace instar::bulk {

/// `SEND size seed` or `TAKE size seed`.
struct transfer_command {
  bool sends = false;
  std::uint64_t size = 0, seed = 0;
};
/// `REPORT`
struct report_command {};
/// `QUIT`
struct quit_command {};
/// No command; the text says why.
struct wrong_command {
  std::string why;
};

using command = std::variant<transfer_command, report_command, quit_command, wrong_command>;

/// Understands one line of a client, without its end.
command parse_command(std::string_view line, std::uint64_t max_size);

} // namespace instar::bulk

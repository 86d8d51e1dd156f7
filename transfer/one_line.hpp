#pragma once

#include <string>
#include <string_view>

namespace instar {

/// Text from outside as it may stand in a message: control characters become spaces, so that
/// whatever a file says, the message about it is one line and moves no cursor.
inline std::string one_line(std::string_view text) {
  std::string line(text);
  for (auto& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

} // namespace instar

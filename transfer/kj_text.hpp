#pragma once

#include <kj/exception.h>

#include <string>

namespace instar {

/// Text from outside as it may stand in a message: control characters become spaces.
inline std::string printable(std::string text) {
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

/// What an exception of Cap'n Proto says, without its source position.
inline std::string one_line(const kj::Exception& e) {
  return printable(std::string(e.getDescription().cStr()));
}

} // namespace instar

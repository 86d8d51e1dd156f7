#pragma once

#include "transfer/one_line.hpp"

#include <kj/exception.h>

#include <string>

namespace instar {

/// What an exception of Cap'n Proto says, without its source position.
inline std::string one_line(const kj::Exception& e) {
  const auto text = e.getDescription();
  return one_line(std::string_view(text.begin(), text.size()));
}

} // namespace instar

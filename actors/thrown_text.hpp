#pragma once

#include <exception>
#include <string>

namespace instar {

/// What was thrown, as text. To be called in a handler; the exception itself may be of a module's
/// type and must not outlive the handler.
inline std::string thrown_text() {
  try {
    throw;
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

} // namespace instar

#pragma once

#include "transfer/state.hpp"

#include <memory>
#include <vector>

namespace instar {

/// Turns saved state, or a part of it, into that of another version: a chain of converters with the
/// code that they are in. Empty: it stays as it is.
///
/// May be called from any thread, by one at a time for one state.
class conversion {
public:
  /// Reads the root struct of one schema and writes that of another.
  using function = void (*)(state_reader& from, state_writer& to);
  struct step {
    state_header to;
    function convert = nullptr;
    std::shared_ptr<const void> code; ///< the module; null for converters of the host itself
  };

  conversion() = default;
  explicit conversion(std::vector<step> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }
  /// Throws what a converter throws. State without a schema stays as it is.
  state operator()(state from) const;

private:
  std::vector<step> steps_;
};

} // namespace instar

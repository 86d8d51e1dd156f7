#pragma once

#include "services/inspect/rules.hpp"

#include <cstddef>
#include <vector>

namespace instar::inspect {

/// Finds the contents of rules in bytes. Both kinds find the same.
class matcher {
public:
  virtual ~matcher() = default;

  /// Sets `found` for each rule that applies and whose content is in `data` and ends behind the
  /// first `old` bytes: others have been found before.
  virtual void find(const endpoints& of, octets data, std::size_t old,
                    std::vector<bool>& found) const = 0;
};

} // namespace instar::inspect

#pragma once

#include "services/inspect/matcher.hpp"

#include <array>
#include <cstdint>

namespace instar::inspect {

/// Looks for all rules at once (Aho & Corasick, "Efficient String Matching", CACM 1975): its time
/// does not grow with their number.
///
/// It follows the bytes in small letters; where a rule is particular about them, what it has found
/// is looked at once more.
class automaton final : public matcher {
public:
  explicit automaton(const std::vector<rule>& rules);

  void find(const endpoints& of, octets data, std::size_t old,
            std::vector<bool>& found) const override;

private:
  struct state {
    std::array<std::uint32_t, 256> next{};
    std::uint32_t shorter = 0;       ///< the next state with rules that end where this one does
    std::vector<std::uint32_t> ends; ///< rules whose whole content it is
  };

  void add(std::uint32_t rule);
  void link();

  const std::vector<rule>& rules_;
  std::vector<state> states_;
};

} // namespace instar::inspect

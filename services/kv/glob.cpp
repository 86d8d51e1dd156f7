#include "services/kv/glob.hpp"

#include <cstddef>
#include <utility>

namespace instar::kv {

namespace {

/// Whether the set at the beginning of `pattern`, behind its bracket, has `c`; and what follows it.
std::pair<bool, std::string_view> match_set(std::string_view pattern, unsigned char c) noexcept {
  const bool inverted = !pattern.empty() && pattern[0] == '^';
  if (inverted) pattern.remove_prefix(1);
  bool found = false;
  const auto next = [&] {
    const auto first = static_cast<unsigned char>(pattern[0]);
    pattern.remove_prefix(1);
    return first;
  };
  while (!pattern.empty() && pattern[0] != ']') {
    if (pattern[0] == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
    auto low = next(), high = low;
    if (pattern.size() > 1 && pattern[0] == '-' && pattern[1] != ']') {
      pattern.remove_prefix(1);
      high = next();
      if (high < low) std::swap(low, high);
    }
    if (low <= c && c <= high) found = true;
  }
  if (!pattern.empty()) pattern.remove_prefix(1);
  return {found != inverted, pattern};
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  std::string_view star, star_text; // where to go on if it does not match from here
  bool starred = false;
  for (;;) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      if (pattern.empty()) return true;
      star = pattern;
      star_text = text;
      starred = true;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    bool matches = false;
    if (!text.empty() && !pattern.empty()) {
      const auto c = text[0];
      auto rest = pattern.substr(1);
      if (pattern[0] == '?') {
        matches = true;
      } else if (pattern[0] == '[') {
        const auto [found, behind] = match_set(rest, static_cast<unsigned char>(c));
        matches = found;
        rest = behind;
      } else if (pattern[0] == '\\' && !rest.empty()) {
        matches = rest[0] == c;
        rest.remove_prefix(1);
      } else {
        matches = pattern[0] == c;
      }
      if (matches) {
        pattern = rest;
        text.remove_prefix(1);
        continue;
      }
    }
    if (!starred || star_text.empty()) return false;
    star_text.remove_prefix(1); // the star takes one more
    text = star_text;
    pattern = star;
  }
}

} // namespace instar::kv

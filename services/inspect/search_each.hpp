#pragma once

#include "services/inspect/matcher.hpp"

#include <algorithm>
#include <cstring>

namespace instar::inspect {

inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Looks for one rule after the other: its time grows with the number of rules that apply.
class search_each final : public matcher {
public:
  explicit search_each(const std::vector<rule>& rules) : rules_(rules) {}

  void find(const endpoints& of, octets data, std::size_t old,
            std::vector<bool>& found) const override {
    for (std::size_t i = 0; i < rules_.size(); ++i)
      found[i] = rules_[i].applies(of) && is_in(rules_[i], data, old);
  }

private:
  static bool is_in(const rule& r, octets data, std::size_t old) {
    data.remove_prefix(std::min(data.size(), old - std::min(old, r.content.size() - 1)));
    if (data.size() < r.content.size()) return false;
    if (!r.nocase)
      return ::memmem(data.data(), data.size(), r.content.data(), r.content.size()) != nullptr;
    return std::search(data.begin(), data.end(), r.content.begin(), r.content.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != data.end();
  }

  const std::vector<rule>& rules_;
};

} // namespace instar::inspect

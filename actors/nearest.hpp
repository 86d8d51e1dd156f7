#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// How many letters have to be changed, added, taken away or swapped with the next one.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

/// `; did you mean 'x'?` for the nearest of the names if it is near, else the list of them.
inline std::string suggest(std::string_view wrong, const std::vector<std::string>& names) {
  if (names.empty()) return "; there are none";
  constexpr std::size_t longest = 64; // the distance takes quadratic time
  const std::string* nearest = nullptr;
  auto distance = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  for (const auto& name : names) {
    if (wrong.empty() || wrong.size() > longest || name.size() > longest) continue;
    const auto d = edit_distance(wrong, name);
    if (d >= distance) continue;
    nearest = &name;
    distance = d;
  }
  if (nearest) return "; did you mean '" + *nearest + "'?";
  constexpr std::size_t most = 12;
  std::string list = "; there are ";
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    list += (i ? ", " : "") + std::string("'") + names[i] + "'";
  return list + (names.size() > most ? ", …" : "");
}

} // namespace instar

#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// Levenshtein's distance.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// `; did you mean 'x'?` for the nearest of the names if it is near, else the list of them.
inline std::string suggest(std::string_view wrong, const std::vector<std::string>& names) {
  if (names.empty()) return "; there are none";
  const auto nearest =
      std::min_element(names.begin(), names.end(), [&](const auto& a, const auto& b) {
        return edit_distance(wrong, a) < edit_distance(wrong, b);
      });
  if (edit_distance(wrong, *nearest) <= std::max<std::size_t>(1, wrong.size() / 3))
    return "; did you mean '" + *nearest + "'?";
  constexpr std::size_t most = 12;
  std::string list = "; there are ";
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    list += (i ? ", " : "") + std::string("'") + names[i] + "'";
  return list + (names.size() > most ? ", …" : "");
}

} // namespace instar

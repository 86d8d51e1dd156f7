#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace instar::detail {

template <class...>
struct types {};

/// Turns into anything.
struct any_member {
  template <class T>
  operator T() const;
};
template <class T, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), any_member())...}; };
}

inline constexpr std::size_t most_members = 24;

/// How many members an aggregate has; more than `most_members` are not told apart. C arrays are
/// counted as what they hold.
template <class T, std::size_t N = most_members + 1>
consteval std::size_t count_members() {
  if constexpr (N == 0 || takes<T>(std::make_index_sequence<N>())) return N;
  else return count_members<T, N - 1>();
}

/// A bit-field has no address, and no place that could be compared: it is refused here.
inline void addressable(auto&...) {}

/// The types of an aggregate's `N` members.
template <std::size_t N, class T>
auto members_of([[maybe_unused]] T& of) {
  if constexpr (N == 0) return types<>();
  // clang-format off
  else if constexpr (N == 1) { auto& [a0] = of; addressable(a0); return types<decltype(a0)>(); }
  else if constexpr (N == 2) { auto& [a0, a1] = of; addressable(a0, a1); return types<decltype(a0), decltype(a1)>(); }
  else if constexpr (N == 3) { auto& [a0, a1, a2] = of; addressable(a0, a1, a2); return types<decltype(a0), decltype(a1), decltype(a2)>(); }
  else if constexpr (N == 4) { auto& [a0, a1, a2, a3] = of; addressable(a0, a1, a2, a3); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3)>(); }
  else if constexpr (N == 5) { auto& [a0, a1, a2, a3, a4] = of; addressable(a0, a1, a2, a3, a4); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4)>(); }
  else if constexpr (N == 6) { auto& [a0, a1, a2, a3, a4, a5] = of; addressable(a0, a1, a2, a3, a4, a5); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5)>(); }
  else if constexpr (N == 7) { auto& [a0, a1, a2, a3, a4, a5, a6] = of; addressable(a0, a1, a2, a3, a4, a5, a6); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6)>(); }
  else if constexpr (N == 8) { auto& [a0, a1, a2, a3, a4, a5, a6, a7] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7)>(); }
  else if constexpr (N == 9) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8)>(); }
  else if constexpr (N == 10) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9)>(); }
  else if constexpr (N == 11) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10)>(); }
  else if constexpr (N == 12) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11)>(); }
  else if constexpr (N == 13) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12)>(); }
  else if constexpr (N == 14) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13)>(); }
  else if constexpr (N == 15) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14)>(); }
  else if constexpr (N == 16) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15)>(); }
  else if constexpr (N == 17) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16)>(); }
  else if constexpr (N == 18) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17)>(); }
  else if constexpr (N == 19) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18)>(); }
  else if constexpr (N == 20) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19)>(); }
  else if constexpr (N == 21) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20)>(); }
  else if constexpr (N == 22) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20), decltype(a21)>(); }
  else if constexpr (N == 23) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20), decltype(a21), decltype(a22)>(); }
  else if constexpr (N == 24) { auto& [a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23] = of; addressable(a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23); return types<decltype(a0), decltype(a1), decltype(a2), decltype(a3), decltype(a4), decltype(a5), decltype(a6), decltype(a7), decltype(a8), decltype(a9), decltype(a10), decltype(a11), decltype(a12), decltype(a13), decltype(a14), decltype(a15), decltype(a16), decltype(a17), decltype(a18), decltype(a19), decltype(a20), decltype(a21), decltype(a22), decltype(a23)>(); }
  // clang-format on
}

} // namespace instar::detail

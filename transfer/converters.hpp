#pragma once

#include "transfer/conversion.hpp"

#include <capnp/common.h>

#include <array>
#include <cstdint>
#include <span>

namespace instar {

/// Turns a root struct of one schema into that of another. What an operator's class lists.
struct converter {
  std::uint64_t from = 0, to = 0; ///< Cap'n Proto type ids
  std::uint32_t cost = 10;        ///< the plan takes the cheapest way
  conversion::function convert = nullptr;
};

/// In place of `&f` in `converters`: with another cost than 10.
template <auto F, std::uint32_t Cost>
struct priced_converter {
  static constexpr auto function = F;
  static constexpr std::uint32_t cost = Cost;
};
template <auto F, std::uint32_t Cost>
inline constexpr priced_converter<F, Cost> at_cost{};

namespace detail {

template <auto F, class From, class To>
constexpr converter erase_converter(void (*)(From, To), std::uint32_t cost) {
  using source = typename From::Reads;
  using target = typename To::Builds;
  return {capnp::typeId<source>(), capnp::typeId<target>(), cost,
          [](state_reader& from, state_writer& to) { F(from.root<source>(), to.init<target>()); }};
}

template <auto F>
constexpr converter make_converter() {
  if constexpr (requires { F.function; }) return erase_converter<F.function>(F.function, F.cost);
  else return erase_converter<F>(F, 10);
}

} // namespace detail

/// The converters that an operator brings: functions `void f(Old::Reader, New::Builder)`, for the
/// way there, and usually one for the way back. In the operator's class:
///
///   static constexpr auto converters = instar::converters<&old_to_new, &new_to_old>;
///
/// Old and new are structs of their own, with ids of their own; the module carries the schemas of
/// both. What a converter throws refuses the transition, and the old version goes on. Converters
/// run on any thread: they depend on nothing but what they are given.
template <auto... F>
inline constexpr std::array<converter, sizeof...(F)> converters{detail::make_converter<F>()...};

/// The converters of an operator's class, if it has any.
template <class Operator>
constexpr std::span<const converter> converters_of() {
  if constexpr (requires { Operator::converters; }) return Operator::converters;
  else return {};
}

} // namespace instar

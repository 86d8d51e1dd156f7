#pragma once

#include "transfer/aggregate_members.hpp"

#include <array>
#include <bitset>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace instar {

namespace detail {
template <class T>
consteval std::uint64_t type_layout();
}

/// A fingerprint of how a type lies in memory, for `operator_type::native`: two modules may hand
/// an object from one to the other if theirs are the same. Made of the type's name, size and
/// alignment, and the same of all that it holds:
///
/// - numbers, enumerations (not what their enumerators are), and the standard library's containers,
///   strings, pairs, optionals and times;
/// - aggregates of up to 24 such members, none of them a C array or a bit-field;
/// - any other class that says `static constexpr std::uint32_t layout_version`, with its arguments
///   if it is a template: its author gives it another number with every change. So does
///   `tracked_map`. Functions like a hash have no layout but their name; they may have a version.
///
/// Whatever points at code or at what somebody else owns does not compile: the code of the module
/// that made the object is gone afterwards.
///
/// What members *mean* it does not know: give the state another name when that changes.
template <class T>
consteval std::uint64_t layout_of() {
  return detail::type_layout<T>();
}

namespace detail {

/// FNV-1a over the bytes of what is put in.
class layout_hash {
public:
  constexpr layout_hash& number(std::uint64_t n) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(n >> (8 * i)));
    return *this;
  }
  constexpr layout_hash& text(std::string_view t) {
    for (const char c : t) byte(static_cast<unsigned char>(c));
    return number(t.size());
  }
  /// 0 means that nothing is handed over.
  constexpr std::uint64_t value() const { return hash_ == 0 ? 1 : hash_; }

private:
  constexpr void byte(unsigned char b) { hash_ = (hash_ ^ b) * 0x100000001b3; }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

/// The compiler's name for it, with the arguments: the same in all modules of one build id.
template <class T>
constexpr std::string_view type_text() {
  return __PRETTY_FUNCTION__;
}

template <class T>
inline constexpr bool known_template = false;
template <class... A>
inline constexpr bool known_template<std::basic_string<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::vector<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::deque<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::list<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::map<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::multimap<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::set<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::multiset<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::unordered_map<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::unordered_multimap<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::unordered_set<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::unordered_multiset<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::pair<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::tuple<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::optional<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::variant<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::chrono::duration<A...>> = true;
template <class... A>
inline constexpr bool known_template<std::chrono::time_point<A...>> = true;
template <class T>
inline constexpr bool known_template<std::unique_ptr<T, std::default_delete<T>>> = true;

template <class T>
concept versioned = requires {
  { T::layout_version } -> std::convertible_to<std::uint32_t>;
};
template <class T>
concept complete = requires {
  sizeof(T);
};

// -- what goes into the fingerprint -------------------------------------------------------------

template <class T>
consteval std::uint64_t argument_layout();

template <class T>
consteval void add_arguments(layout_hash&, const T*) {}
template <template <class...> class C, class... A>
consteval void add_arguments(layout_hash& into, const C<A...>*) {
  (into.number(argument_layout<std::remove_cv_t<A>>()), ...);
}

/// Of a template's argument: what holds nothing, as comparisons and allocators, counts by its name.
template <class T>
consteval std::uint64_t argument_layout() {
  if constexpr (complete<T> && !std::is_empty_v<T>) {
    return type_layout<T>();
  } else {
    layout_hash hash;
    hash.text(type_text<T>());
    if constexpr (versioned<T>) hash.number(T::layout_version);
    add_arguments(hash, static_cast<const T*>(nullptr));
    return hash.value();
  }
}

template <class... M>
consteval void add_members(layout_hash& into, types<M...>) {
  static_assert((!std::is_reference_v<M> && ...), "a reference points at what somebody else owns");
  (into.number(type_layout<std::remove_cv_t<M>>()), ...);
}

template <class T>
consteval void add_aggregate(layout_hash& into) {
  constexpr auto count = count_members<T>();
  static_assert(count <= most_members,
                "an aggregate of more than 24 members has no fingerprint: give it "
                "`static constexpr std::uint32_t layout_version`");
  static_assert(count > 0 || std::is_empty_v<T>,
                "this aggregate has members that cannot be taken apart, as references are: give it "
                "`static constexpr std::uint32_t layout_version`");
  into.number(count);
  add_members(into, decltype(members_of<count>(std::declval<T&>()))());
}

template <class T>
inline constexpr bool known_array = false;
template <class T, std::size_t N>
inline constexpr bool known_array<std::array<T, N>> = true;
template <class T>
inline constexpr bool known_bits = false;
template <std::size_t N>
inline constexpr bool known_bits<std::bitset<N>> = true;

template <class T>
consteval std::uint64_t type_layout() {
  static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_function_v<T> &&
                    !std::is_null_pointer_v<T> && !std::is_reference_v<T>,
                "pointers, references and functions cannot be handed over: what they point at "
                "belongs to somebody else, or is code of a module that will be gone");
  static_assert(!std::is_array_v<T>, "use std::array");
  static_assert(!std::is_polymorphic_v<T>,
                "an object with virtual functions cannot be handed over: they are code of a "
                "module that will be gone");
  layout_hash hash;
  hash.text(type_text<T>()).number(sizeof(T)).number(alignof(T));
  if constexpr (std::is_enum_v<T>) {
    hash.text(type_text<std::underlying_type_t<T>>());
  } else if constexpr (known_array<T>) {
    hash.number(type_layout<typename T::value_type>());
  } else if constexpr (versioned<T>) {
    hash.number(T::layout_version);
    add_arguments(hash, static_cast<const T*>(nullptr));
  } else if constexpr (known_template<T>) {
    add_arguments(hash, static_cast<const T*>(nullptr));
  } else if constexpr (!std::is_arithmetic_v<T> && !std::is_same_v<T, std::monostate> &&
                       !known_bits<T>) {
    static_assert(std::is_aggregate_v<T> && !std::is_union_v<T>,
                  "this class has no fingerprint: it is neither an aggregate nor one of the "
                  "standard library's that can be handed over. Give it `static constexpr "
                  "std::uint32_t layout_version = 1`, and another number with every change of its "
                  "members");
    if constexpr (std::is_aggregate_v<T> && !std::is_union_v<T>) add_aggregate<T>(hash);
  }
  return hash.value();
}

} // namespace detail
} // namespace instar

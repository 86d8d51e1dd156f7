#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace instar {

/// What kind of expected failure happened. The message carries the particulars.
enum class errc {
  bad_input,      ///< outside data (graph file, module, state, admin message) is malformed
  not_found,      ///< a named thing does not exist
  incompatible,   ///< versions, port types, schemas or builds do not fit together
  refused,        ///< the request is well formed, but must not or cannot be carried out now
  deadline,       ///< a participant did not finish in time
  operator_error, ///< operator code threw
  system,         ///< an operating-system call failed
};

/// An expected failure as a value: one line that names the place, the cause and the remedy.
struct failure {
  errc code = errc::refused;
  std::string message;

  bool operator==(const failure&) const = default;
};

/// Either a value or the failure that kept it from being made.
///
/// Used for every failure a caller is expected to meet; exceptions never cross a folder's edge.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : content_(std::in_place_index<1>, std::move(why)) {}

  explicit operator bool() const noexcept { return content_.index() == 0; }

  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<result*>(this)->checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return checked(); }
  const T* operator->() const { return const_cast<result*>(this)->checked(); }

  /// The failure. Calling it on a success is a broken invariant.
  const failure& error() const {
    assert(content_.index() == 1);
    return std::get<1>(content_);
  }

private:
  T* checked() {
    assert(content_.index() == 0);
    return std::get_if<0>(&content_);
  }

  std::variant<T, failure> content_;
};

/// A result without a value: success, or why not.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure why) : why_(std::move(why)) {}

  explicit operator bool() const noexcept { return !why_.has_value(); }
  const failure& error() const {
    assert(why_.has_value());
    return *why_;
  }

private:
  std::optional<failure> why_;
};

} // namespace instar

#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace instar {

/// Base of what packets carry. Reference counted, so that a packet that goes to several arcs is
/// shared and never copied.
///
/// A payload class crosses module versions, so it must be *host-owned*: defined in libinstar or
/// in a library that is never unloaded, never in a module (its vtable would be gone with it).
/// Modules that need their own payload use `record` with a Cap'n Proto schema.
///
/// A payload that more than one reference holds must not be changed.
class payload {
public:
  payload(const payload&) = delete;
  payload& operator=(const payload&) = delete;
  virtual ~payload();

  /// The payload type's name, as ports declare it.
  virtual std::string_view type_name() const noexcept = 0;

  bool unique() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

  void retain() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    if (references_.load(std::memory_order_acquire) == 1 ||
        references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }

protected:
  payload() = default;

private:
  mutable std::atomic<std::uint32_t> references_{1};
};

/// Owning reference to a payload.
template <class T>
class payload_ptr {
public:
  using element_type = T;

  constexpr payload_ptr() noexcept = default;
  constexpr payload_ptr(std::nullptr_t) noexcept {}
  payload_ptr(const payload_ptr& other) noexcept : target_(other.target_) {
    if (target_) target_->retain();
  }
  payload_ptr(payload_ptr&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
  template <class U>
  requires std::is_convertible_v<U*, T*> payload_ptr(payload_ptr<U> other)
  noexcept : target_(other.detach()) {}
  ~payload_ptr() {
    if (target_) target_->release();
  }
  payload_ptr& operator=(payload_ptr other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }

  /// Takes over a reference that the caller owns.
  static payload_ptr adopt(T* target) noexcept {
    payload_ptr made;
    made.target_ = target;
    return made;
  }
  /// Adds a reference to something that others own.
  static payload_ptr share(T* target) noexcept {
    if (target) target->retain();
    return adopt(target);
  }
  /// Gives the reference to the caller.
  T* detach() noexcept { return std::exchange(target_, nullptr); }

  T* get() const noexcept { return target_; }
  T& operator*() const noexcept { return *target_; }
  T* operator->() const noexcept { return target_; }
  explicit operator bool() const noexcept { return target_ != nullptr; }
  bool operator==(const payload_ptr&) const noexcept = default;

private:
  T* target_ = nullptr;
};

/// The class of the objects that a port of payload type `P` carries: `P` itself, unless `P` only
/// stands for a payload (see `record_of`).
template <class P>
struct payload_class_of {
  using type = P;
};
template <class P>
requires requires { typename P::payload_class; }
struct payload_class_of<P> {
  using type = typename P::payload_class;
};
template <class P>
using payload_class = typename payload_class_of<P>::type;

/// Of an input that accepts every payload, records of any schema as well. An output of it has to
/// follow the input: `out_port<any_payload> out{0, "out", any_payload::payload_name, 0}`.
struct any_payload {
  using payload_class = payload;
  static constexpr std::string_view payload_name = "*";
};

template <class T, class... Args>
payload_ptr<T> make_payload(Args&&... args) {
  return payload_ptr<T>::adopt(new T(std::forward<Args>(args)...));
}

} // namespace instar

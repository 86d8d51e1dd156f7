#pragma once

#include "actors/payload.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace instar::net {

/// Bytes in one piece of memory with their reference count: filled by who made it, never changed
/// once it is shared.
class buffer final : public payload {
public:
  static constexpr std::string_view payload_name = "net.buffer";

  /// Uninitialised bytes. Throws `std::bad_alloc`.
  static payload_ptr<buffer> make(std::size_t size);
  static payload_ptr<buffer> copy(std::span<const std::byte> bytes);
  ~buffer() override;

  std::string_view type_name() const noexcept override { return payload_name; }
  std::size_t size() const noexcept { return size_; }
  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  const std::byte* data() const noexcept { return reinterpret_cast<const std::byte*>(this + 1); }

  static void operator delete(void* p) { ::operator delete(p); }

private:
  explicit buffer(std::size_t size) noexcept : size_(size) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }

  const std::size_t size_;
};

} // namespace instar::net

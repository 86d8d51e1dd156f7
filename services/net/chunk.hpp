#pragma once

#include "services/net/connection.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace instar::net {

/// What one read of a connection gave, or its end. One allocation, exactly as long as the bytes.
class chunk final : public payload {
public:
  static constexpr std::string_view payload_name = "net.chunk";

  static payload_ptr<chunk> make(payload_ptr<connection> from, std::span<const std::byte> bytes);
  /// The peer sends no more, or the connection failed.
  static payload_ptr<chunk> make_end(payload_ptr<connection> from);
  ~chunk() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  const payload_ptr<connection>& from() const noexcept { return from_; }
  bool end() const noexcept { return end_; }
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), size_};
  }

  static void operator delete(void* p) { ::operator delete(p); }

private:
  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  chunk(payload_ptr<connection> from, std::size_t size, bool end) noexcept
      : from_(std::move(from)), size_(size), end_(end) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }

  const payload_ptr<connection> from_;
  const std::size_t size_;
  const bool end_;
};

} // namespace instar::net

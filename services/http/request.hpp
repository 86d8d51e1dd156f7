#pragma once

#include "services/net/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace instar::http {

enum class method : std::uint8_t { get, head };

/// What a request says, apart from its target.
struct request_line {
  http::method method = http::method::get;
  bool http11 = true;
  bool keep_alive = true;
  /// 0, or the HTTP status with which the request has to be refused: whoever gets such a request
  /// answers that without looking at the rest.
  std::uint16_t refused = 0;
};

/// One HTTP request whose head was understood, or which has to be refused. One allocation.
class request final : public payload {
public:
  static constexpr std::string_view payload_name = "http.request";

  static payload_ptr<request> make(net::open_request from, request_line line,
                                   std::string_view target);
  ~request() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  const request_line& line() const noexcept { return line_; }
  /// In origin form: `/path?query`, not decoded.
  std::string_view target() const noexcept {
    return {reinterpret_cast<const char*>(this + 1), size_};
  }
  const net::open_request& from() const noexcept { return from_; }
  /// Passes the duty to answer on to the response.
  net::open_request take_from() noexcept { return std::move(from_); }

  static void operator delete(void* p) { ::operator delete(p); }

private:
  request(net::open_request from, request_line line, std::size_t size) noexcept
      : from_(std::move(from)), line_(line), size_(static_cast<std::uint32_t>(size)) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }
  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }

  net::open_request from_;
  const request_line line_;
  const std::uint32_t size_;
};

} // namespace instar::http

#pragma once

#include "services/file/handle.hpp"
#include "services/http/request.hpp"
#include "services/net/buffer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace instar::http {

/// A response's body: nothing, bytes in memory, or a part of an open file. Shared, never copied.
class body {
public:
  body() noexcept = default;
  explicit body(payload_ptr<net::buffer> bytes) noexcept
      : size_(bytes->size()), bytes_(std::move(bytes)) {}
  body(payload_ptr<file::handle> of, std::uint64_t offset, std::uint64_t size) noexcept
      : offset_(offset), size_(size), file_(std::move(of)) {}

  std::uint64_t size() const noexcept { return size_; }
  /// Where in the file it begins.
  std::uint64_t offset() const noexcept { return offset_; }
  const payload_ptr<net::buffer>& bytes() const noexcept { return bytes_; }
  const payload_ptr<file::handle>& file() const noexcept { return file_; }

private:
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  payload_ptr<net::buffer> bytes_;
  payload_ptr<file::handle> file_;
};

/// The answer to one request. Whoever loads makes it, whoever composes adds the head, whoever
/// replies writes it; the ports tell more exactly what its body may be:
/// `http.response.memory` (nothing or bytes), `http.response.file` (nothing or a part of a file).
class response final : public payload {
public:
  static constexpr std::string_view payload_name = "http.response";
  static constexpr std::string_view memory_name = "http.response.memory";
  static constexpr std::string_view file_name = "http.response.file";
  static constexpr std::size_t max_head = 640;

  response(net::open_request from, request_line line) noexcept
      : from(std::move(from)), line(line) {}
  ~response() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  net::open_request from;
  request_line line; ///< of the request
  std::uint16_t status = 200;
  std::int64_t modified = 0;        ///< seconds since 1970; 0 = not told
  std::string_view content_type;    ///< must be the host's text
  std::uint64_t content_length = 0; ///< also where no body is sent: the answer to HEAD
  http::body body;

  /// The serialised head, and after it the text of a refusal; empty until composed.
  std::string_view head() const noexcept { return {head_.data(), head_size_}; }
  /// Room for the head; `set_head_size` tells how much of it was used.
  std::array<char, max_head>& head_room() noexcept { return head_; }
  void set_head_size(std::size_t size) noexcept { head_size_ = static_cast<std::uint32_t>(size); }

private:
  std::uint32_t head_size_ = 0;
  std::array<char, max_head> head_;
};

} // namespace instar::http

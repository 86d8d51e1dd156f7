#pragma once

#include "actors/own_metrics.hpp"
#include "services/file/handle.hpp"
#include "services/http/request.hpp"
#include "services/net/buffer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace instar::http {

/// A response's body: nothing, bytes in memory or a part of them, or a part of an open file.
/// Shared, never copied.
class body {
public:
  body() noexcept = default;
  explicit body(payload_ptr<net::buffer> bytes) noexcept
      : size_(bytes->size()), bytes_(std::move(bytes)) {}
  body(payload_ptr<net::buffer> bytes, std::uint64_t offset, std::uint64_t size) noexcept
      : offset_(offset), size_(size), bytes_(std::move(bytes)) {}
  body(payload_ptr<file::handle> of, std::uint64_t offset, std::uint64_t size) noexcept
      : offset_(offset), size_(size), file_(std::move(of)) {}

  std::uint64_t size() const noexcept { return size_; }
  /// Where in the file, or in the bytes, it begins.
  std::uint64_t offset() const noexcept { return offset_; }
  const payload_ptr<net::buffer>& bytes() const noexcept { return bytes_; }
  const payload_ptr<file::handle>& file() const noexcept { return file_; }
  /// Of a body in memory: the part that is sent.
  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes_->data()) + offset_,
            static_cast<std::size_t>(size_)};
  }

private:
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  payload_ptr<net::buffer> bytes_;
  payload_ptr<file::handle> file_;
};

/// What the head of a response tells.
struct response_fields {
  std::uint16_t status = 200;
  bool gzipped = false;                ///< what is sent is a compressed variant
  bool varies = false;                 ///< another Accept-Encoding might get another variant
  std::uint8_t parts = 0;              ///< of a multipart body; 0 = it is none
  std::uint32_t modified_fraction = 0; ///< nanoseconds
  std::int64_t modified = 0;           ///< seconds since 1970; 0 = not told
  std::string_view content_type = {};  ///< must be the host's text
  std::uint64_t content_length = 0;    ///< also where no body is sent: the answer to HEAD
  std::uint64_t complete_length = 0;   ///< of all that a range is part of
  std::uint64_t first = 0;             ///< where the only range begins
  std::uint64_t boundary = 0;          ///< between the parts, written with 16 digits
};

/// The answer to one request. Whoever loads makes it, whoever composes adds the head, whoever
/// replies writes it; the ports tell more exactly what its body may be:
/// `http.response.memory` (nothing or bytes), `http.response.file` (also a part of a file).
class response final : public payload, public response_fields {
public:
  static constexpr std::string_view payload_name = "http.response";
  static constexpr std::string_view memory_name = "http.response.memory";
  static constexpr std::string_view file_name = "http.response.file";
  static constexpr std::size_t max_head = 768;

  response(net::open_request from, request_line line) noexcept
      : from(std::move(from)), line(line) {}
  /// To that request: takes the duty to answer from it.
  explicit response(payload_ptr<request> to) noexcept
      : from(to->take_from()), line(to->line()), asked(std::move(to)) {}
  ~response() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  net::open_request from;
  request_line line;          ///< of the request
  payload_ptr<request> asked; ///< for its target and fields; may be null
  http::body body;
  /// Of an answer that somebody else gave: what follows its status, up to and with the line end
  /// after its last field. Then the head tells this, and nothing of `response_fields` but `status`.
  payload_ptr<net::buffer> passed;
  /// Who counts it, from when on: set by a meter on its way, told by who has written it. Null if
  /// nobody does.
  std::shared_ptr<own_metrics> counted_by;
  std::uint64_t counted_from = 0; ///< as in `net::open_request`

  /// The serialised head, and after it the text of a refusal; empty until composed.
  std::string_view head() const noexcept {
    return {long_head_ ? reinterpret_cast<const char*>(long_head_->data()) : head_.data(),
            head_size_};
  }
  /// Room for the head; `set_head_size` tells how much of it was used.
  std::array<char, max_head>& head_room() noexcept { return head_; }
  void set_head_size(std::size_t size) noexcept { head_size_ = static_cast<std::uint32_t>(size); }
  /// In place of these, a head that does not fit there.
  void set_long_head(std::string_view text);

private:
  std::uint32_t head_size_ = 0;
  payload_ptr<net::buffer> long_head_;
  std::array<char, max_head> head_;
};

} // namespace instar::http

#pragma once

#include "services/net/buffer.hpp"
#include "services/net/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace instar::http {

/// `other` stands for all methods that nothing here serves, but that may be passed on.
enum class method : std::uint8_t { get, head, other };

/// What a request says, apart from its target.
struct request_line {
  http::method method = http::method::get;
  bool http11 = true;
  bool keep_alive = true;
  /// 0, or the HTTP status with which the request has to be answered: whoever gets such a request
  /// answers that without looking at the rest. 100 stands for an interim answer, with which a
  /// client is told to send the body of the request that follows.
  std::uint16_t refused = 0;
};

/// Fields of a request that an answer, or its line in the log, depends on. Of all others nothing is
/// kept.
enum class field : std::uint8_t {
  method, ///< no field: the method's name, if it is neither GET nor HEAD
  range,
  if_range,
  if_match,
  if_none_match,
  if_modified_since,
  if_unmodified_since,
  accept_encoding,
  referer,
  user_agent,
};

/// One of them, as it stood in the head. Trivial, so that a list of them costs nothing unused.
struct noted_field {
  field which;
  std::uint32_t size;
  const char* data;

  std::string_view value() const noexcept { return {data, size}; }
};

/// One HTTP request whose head was understood, or which has to be refused. One allocation.
class request final : public payload {
public:
  static constexpr std::string_view payload_name = "http.request";

  static payload_ptr<request> make(net::open_request from, request_line line,
                                   std::string_view target,
                                   std::span<const noted_field> fields = {},
                                   std::string_view whole_head = {},
                                   payload_ptr<net::buffer> body = {});
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

  // -- for who passes it on ----------------------------------------------------------------------

  /// The head as it came, with its empty line; empty unless who parsed was told to keep it.
  std::string_view whole_head() const noexcept {
    return {target().data() + size_ + fields_size_, whole_size_};
  }
  /// Null if there is none, or it was not kept.
  const payload_ptr<net::buffer>& body() const noexcept { return body_; }
  /// Its answer's place among those of its connection, where answers may come in another order
  /// (`net::connection::take_turn`).
  std::optional<std::uint32_t> turn() const noexcept { return turn_; }
  void set_turn(std::uint32_t turn) noexcept { turn_ = turn; }

  // -- fields ------------------------------------------------------------------------------------

  bool has(field which) const noexcept { return (noted_ & bit(which)) != 0; }
  /// Has a field that makes it depend on more than the target which answer is right.
  bool is_selective() const noexcept {
    return (noted_ & (bit(field::range) | bit(field::if_match) | bit(field::if_none_match) |
                      bit(field::if_modified_since) | bit(field::if_unmodified_since))) != 0;
  }
  /// The first value; empty if there is none.
  std::string_view find(field which) const noexcept {
    std::string_view found;
    if (has(which))
      each(which, [&](std::string_view value) {
        if (found.data() == nullptr) found = value;
      });
    return found;
  }
  /// Calls `use(value)` for each value, in the order of the head.
  template <class Use>
  void each(field which, Use&& use) const {
    const char* at = target().data() + size_;
    for (const char* end = at + fields_size_; at < end;) {
      std::uint32_t size;
      std::memcpy(&size, at + 1, sizeof size);
      at += field_overhead;
      if (static_cast<field>(at[-static_cast<std::ptrdiff_t>(field_overhead)]) == which)
        use(std::string_view(at, size));
      at += size;
    }
  }

  static void operator delete(void* p) { ::operator delete(p); }

private:
  static constexpr std::size_t field_overhead = 1 + sizeof(std::uint32_t);
  static constexpr std::uint32_t bit(field which) { return 1u << static_cast<unsigned>(which); }

  request(net::open_request from, request_line line, std::size_t size, std::size_t fields_size,
          std::size_t whole_size, payload_ptr<net::buffer> body) noexcept
      : from_(std::move(from)), line_(line), size_(static_cast<std::uint32_t>(size)),
        fields_size_(static_cast<std::uint32_t>(fields_size)),
        whole_size_(static_cast<std::uint32_t>(whole_size)), body_(std::move(body)) {}
  static void* operator new(std::size_t object, std::size_t bytes) {
    return ::operator new(object + bytes);
  }
  static void operator delete(void* p, std::size_t) { ::operator delete(p); }
  char* data() noexcept { return reinterpret_cast<char*>(this + 1); }

  net::open_request from_;
  const request_line line_;
  const std::uint32_t size_;
  const std::uint32_t fields_size_;
  const std::uint32_t whole_size_;
  std::optional<std::uint32_t> turn_;
  const payload_ptr<net::buffer> body_;
  std::uint32_t noted_ = 0;
};

} // namespace instar::http

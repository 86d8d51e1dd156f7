#pragma once

#include "timeline.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace instar::load {

/// What the answer must be.
struct expectation {
  std::optional<std::string_view> body; ///< none: any body of the announced length
};

/// Reads one HTTP/1.1 answer in pieces and compares it with what is expected as it arrives.
/// Knows just what a file server sends: a status line, headers, a body of `Content-Length` bytes.
class response_reader {
public:
  void reset(expectation expected);

  /// Takes what belongs to this answer and returns how much that was.
  std::size_t feed(std::string_view bytes);

  bool complete() const { return complete_; }
  /// Valid once complete.
  outcome result() const { return result_; }
  /// The server will close the connection, or the answer left it in an unknown state.
  bool must_close() const { return must_close_; }

private:
  std::size_t feed_header(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  void read_header();
  void give_up(outcome why);

  expectation expected_;
  std::string header_;
  std::size_t length_ = 0, seen_ = 0;
  outcome result_ = outcome::ok;
  bool in_body_ = false, complete_ = false, must_close_ = false;
};

} // namespace instar::load

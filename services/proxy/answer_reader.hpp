#pragma once

#include "services/http/skip_body.hpp"
#include "services/proxy/fields.hpp"
#include "services/proxy/spool.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instar::proxy {

/// How large an answer may be.
struct answer_limits {
  std::size_t head = 64 * 1024;
  std::uint64_t body = std::uint64_t{1} << 30;
};

/// Reads one answer of an upstream server from its connection's bytes, however these are cut.
/// Interim answers (1xx) are passed over. The body goes into a spool.
///
/// Where it is can be told in a few numbers and the head's text, for a successor.
class answer_reader {
public:
  enum class progress {
    open,     ///< more is to come; all bytes were used up
    complete, ///< and the connection is in order; the rest is what follows
    broken,   ///< it cannot be understood, or is too large
    no_space, ///< the spool could not take it
  };
  enum class phase : std::uint8_t { head, counted, until_end, complete };

  /// All that it knows, without the spool.
  struct position {
    answer_reader::phase phase = phase::head;
    http::body_skipper::position body;
    std::uint64_t read = 0; ///< bytes of body in the spool
    bool some = false;      ///< something has come
  };

  answer_reader(bool head_only, payload_ptr<spool> into)
      : head_only_(head_only), spool_(std::move(into)) {}

  /// Takes away from the front of `text` what belongs to the answer.
  progress read(std::string_view& text, const answer_limits& limits);
  /// The connection has ended: complete if that is the end of the body, else broken.
  progress end();

  /// Nothing of an answer has come.
  bool silent() const noexcept { return !some_; }
  /// Once it is complete.
  bool keep_alive() const noexcept {
    return head_.keep_alive && at_ != phase::until_end && !ended_;
  }
  payload_ptr<http::response> take();

  position where() const;
  /// What has come of a head that is not complete, or the whole head.
  const std::string& head() const noexcept { return text_; }
  const payload_ptr<spool>& body() const noexcept { return spool_; }
  /// In a new reader. Returns false if there is no such position.
  bool resume(const position& at, std::string head, const answer_limits& limits);

private:
  progress read_head(std::string_view& text, const answer_limits& limits);
  progress begin_body(const answer_limits& limits);
  progress read_body(std::string_view& text, const answer_limits& limits);

  bool head_only_;
  phase at_ = phase::head;
  bool some_ = false;
  bool ended_ = false;
  std::string text_; // of the head
  answer_head head_;
  http::body_skipper skipper_;
  payload_ptr<spool> spool_;
};

} // namespace instar::proxy

#include "services/proxy/answer_reader.hpp"

#include "services/proxy/exchange.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace instar::proxy {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";

} // namespace

answer_reader::progress answer_reader::read(std::string_view& text, const answer_limits& limits) {
  some_ = some_ || !text.empty();
  while (at_ == phase::head) {
    if (text.empty()) return progress::open;
    if (const auto done = read_head(text, limits); done != progress::open) return done;
  }
  return at_ == phase::complete ? progress::complete : read_body(text, limits);
}

/// Returns `open` also when a head is complete.
answer_reader::progress answer_reader::read_head(std::string_view& text,
                                                 const answer_limits& limits) {
  const auto before = text_.size();
  const auto searched = before - std::min(before, head_end.size() - 1);
  const auto room = limits.head - std::min(limits.head, before);
  const auto taken = std::min(text.size(), room + 1);
  text_ += text.substr(0, taken);
  const auto at = text_.find(head_end, searched);
  if (at == std::string::npos) {
    text.remove_prefix(taken);
    return text_.size() > limits.head ? progress::broken : progress::open;
  }
  const auto size = at + head_end.size();
  text.remove_prefix(size - before);
  text_.resize(size);
  head_ = parse_answer_head(text_, head_only_);
  // Nobody has asked for another protocol.
  if (head_.status == 0 || head_.status == 101) return progress::broken;
  if (head_.status >= 200) return begin_body(limits);
  text_.clear();
  return progress::open;
}

answer_reader::progress answer_reader::begin_body(const answer_limits& limits) {
  at_ = phase::complete;
  if (!head_.has_body || (head_.length && *head_.length == 0)) return progress::open;
  if (head_.length && *head_.length > limits.body) return progress::broken;
  at_ = head_.chunked || head_.length ? phase::counted : phase::until_end;
  if (head_.chunked) {
    skipper_.begin_chunked(limits.body);
  } else if (head_.length) {
    skipper_.begin_counted(*head_.length);
    spool_->expect(*head_.length);
  }
  return progress::open;
}

answer_reader::progress answer_reader::read_body(std::string_view& text,
                                                 const answer_limits& limits) {
  using skipping = http::body_skipper::progress;
  int error = 0;
  const auto add = [&](std::string_view piece) {
    if (error == 0) error = spool_->add(piece);
  };
  auto done = skipping::open;
  if (at_ == phase::counted) {
    done = skipper_.take(text, add);
  } else {
    if (text.size() > limits.body - std::min(limits.body, spool_->size())) return progress::broken;
    add(std::exchange(text, {}));
  }
  if (error != 0) return progress::no_space;
  if (done == skipping::open) return progress::open;
  if (done != skipping::complete) return progress::broken;
  at_ = phase::complete;
  return progress::complete;
}

answer_reader::progress answer_reader::end() {
  if (at_ != phase::until_end) return progress::broken;
  at_ = phase::complete;
  ended_ = true;
  return progress::complete;
}

payload_ptr<http::response> answer_reader::take() {
  auto made = refusal(head_.status);
  made->body = spool_->take();
  auto fields = std::move(head_.passed);
  // What has no body may still tell how long it would be.
  const bool without = head_.status == 204 || (!head_.has_body && !head_.length);
  if (!without) {
    const auto size = head_.has_body ? made->body.size() : *head_.length;
    made->content_length = size;
    fields += "Content-Length: " + std::to_string(size) + "\r\n";
  }
  made->passed = net::buffer::copy(std::as_bytes(std::span(fields)));
  return made;
}

// -- state --------------------------------------------------------------------------------------

answer_reader::position answer_reader::where() const {
  return {at_, skipper_.where(), spool_->size(), some_};
}

bool answer_reader::resume(const position& at, std::string head, const answer_limits& limits) {
  if (at.phase >= phase::complete || at.read != spool_->size()) return false;
  text_ = std::move(head);
  some_ = at.some;
  at_ = at.phase;
  if (at_ == phase::head) return text_.size() <= limits.head && text_.find(head_end) == text_.npos;
  head_ = parse_answer_head(text_, head_only_);
  return head_.status >= 200 && (at_ != phase::counted || skipper_.resume(at.body));
}

} // namespace instar::proxy

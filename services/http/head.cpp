#include "services/http/head.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <functional>
#include <limits>
#include <string>

namespace instar::http {

namespace {

namespace beast = boost::beast;
using error = beast::http::error;

/// Notes what a refusal or an answer depends on.
class noting_parser final : public beast::http::basic_parser<true> {
public:
  using text = boost::beast::string_view;

  explicit noting_parser(std::string_view whole) : whole_(whole) {}

  beast::http::verb verb = beast::http::verb::unknown;
  std::string_view target;
  bool request_line_done = false;
  bool http11 = false;
  unsigned hosts = 0;
  bool expects_continue = false;
  bool expects_other = false;
  unsigned transfer_encodings = 0;
  bool other_encoding = false;
  bool folded = false;
  bool too_many = false;
  noted_fields fields;

private:
  using error_code = beast::error_code;

  void note(field which, text value) {
    if (!value.empty() && !fields.add(which, {value.data(), value.size()})) too_many = true;
  }

  /// A value that goes over several lines was put together elsewhere.
  bool in_place(text value) const {
    return value.empty() || (std::greater_equal<>()(value.data(), whole_.data()) &&
                             std::less<>()(value.data(), whole_.data() + whole_.size()));
  }

  void on_request_impl(beast::http::verb method, text name, text path, int version,
                       error_code&) override {
    verb = method;
    if (verb != beast::http::verb::get && verb != beast::http::verb::head)
      note(field::method, name);
    target = {path.data(), path.size()};
    http11 = version == 11;
    request_line_done = true;
  }
  void on_field_impl(beast::http::field name, text, text value, error_code&) override {
    using known = beast::http::field;
    if (!in_place(value)) {
      folded = true;
      return;
    }
    switch (name) {
    case known::host:
      ++hosts;
      break;
    case known::expect:
      (beast::iequals(value, "100-continue") ? expects_continue : expects_other) = true;
      break;
    case known::transfer_encoding:
      ++transfer_encodings;
      if (!beast::iequals(value, "chunked")) other_encoding = true;
      break;
    case known::range:
      return note(field::range, value);
    case known::if_range:
      return note(field::if_range, value);
    case known::if_match:
      return note(field::if_match, value);
    case known::if_none_match:
      return note(field::if_none_match, value);
    case known::if_modified_since:
      return note(field::if_modified_since, value);
    case known::if_unmodified_since:
      return note(field::if_unmodified_since, value);
    case known::accept_encoding:
      return note(field::accept_encoding, value);
    case known::referer:
      return note(field::referer, value);
    case known::user_agent:
      return note(field::user_agent, value);
    default:
      break;
    }
  }
  void on_header_impl(error_code&) override {}
  void on_response_impl(int, text, int, error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(text, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, text, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  const std::string_view whole_;
};

parsed_head refuse(std::uint16_t status) {
  return {.line = {.keep_alive = false, .refused = status}, .target = {}};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A request line whose version is well formed but none that is spoken here.
bool names_other_version(std::string_view head) {
  const auto line = head.substr(0, head.find("\r\n"));
  const auto space = line.rfind(' ');
  const auto version =
      space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  return version.size() == 8 && version.substr(0, 5) == "HTTP/" && is_digit(version[5]) &&
         version[6] == '.' && is_digit(version[7]) && !version.starts_with("HTTP/1.");
}

std::uint16_t status_of(const beast::error_code& ec, std::string_view head) {
  if (ec == error::header_limit) return 431;
  if (ec == error::bad_version && names_other_version(head)) return 505;
  return 400;
}

/// Turns `http://host/path` into `/path`, which means the same to this server.
bool to_origin_form(std::string_view& target) {
  if (target.starts_with('/')) return true;
  constexpr std::string_view scheme = "http://";
  if (target.size() <= scheme.size() ||
      !beast::iequals({target.data(), scheme.size()}, {scheme.data(), scheme.size()}))
    return false;
  const auto path = target.find_first_of("/?", scheme.size());
  target = path == std::string_view::npos || target[path] == '?' ? "/" : target.substr(path);
  return true;
}

std::uint16_t refusal(const noting_parser& p, bool any_method) {
  using beast::http::verb;
  if (p.hosts > 1 || (p.http11 && p.hosts == 0)) return 400;
  if (p.http11 && p.expects_other) return 417;
  if (any_method) return p.verb == verb::connect || p.verb == verb::trace ? 405 : 0;
  if (p.verb == verb::unknown) return 501;
  if (p.verb != verb::get && p.verb != verb::head) return 405;
  return 0;
}

} // namespace

parsed_head parse_head(std::string_view head, const head_limits& limits, bool any_method) {
  if (head.size() > limits.head) return refuse(431);
  noting_parser p(head);
  p.header_limit(static_cast<std::uint32_t>(head.size()));
  p.body_limit(std::numeric_limits<std::uint64_t>::max()); // `limits.body` is checked below
  beast::error_code ec;
  p.put(boost::asio::const_buffer(head.data(), head.size()), ec);
  if (ec) return refuse(status_of(ec, head));
  if (p.target.size() > limits.target) return refuse(414);
  if (p.folded) return refuse(400);
  if (p.too_many) return refuse(431);
  // HTTP/1.0 knows no chunks: whoever sends them there may mean another end of the body.
  if (p.transfer_encodings > 0 && !p.http11) return refuse(400);
  if (p.transfer_encodings > 1 || p.other_encoding) return refuse(501);
  const auto body = p.content_length().value_or(0);
  if (body > limits.body) return refuse(413);

  parsed_head made;
  made.line.method = p.verb == beast::http::verb::head  ? method::head
                     : p.verb == beast::http::verb::get ? method::get
                                                        : method::other;
  made.line.http11 = p.http11;
  made.line.keep_alive = p.keep_alive();
  made.line.refused = refusal(p, any_method);
  made.target = p.target;
  made.body = body;
  made.chunked = p.transfer_encodings > 0;
  made.fields = p.fields;
  if (made.line.refused == 0 && !to_origin_form(made.target)) made.line.refused = 400;
  const bool expects = p.http11 && p.expects_continue && (made.chunked || body > 0);
  made.wants_continue = expects && made.line.refused == 0;
  // Refused at once, a client that waits for leave may or may not send its body.
  if (made.line.refused == 400 || made.line.refused == 417 || (expects && !made.wants_continue))
    made.line.keep_alive = false;
  return made;
}

std::uint16_t refuse_early(std::string_view head, std::size_t fresh, const head_limits& limits) {
  constexpr std::size_t around_target = 32; // method, version, spaces
  const auto line_end = head.find('\n');
  if (line_end == std::string_view::npos)
    return head.size() > limits.target + around_target ? 414 : 0;
  if (head.size() > limits.head) return 431;
  if (line_end + fresh < head.size()) return 0; // looked at before
  const auto line = head.substr(0, line_end + 1);
  noting_parser p(line);
  beast::error_code ec;
  p.header_limit(static_cast<std::uint32_t>(line.size() + 1));
  p.put(boost::asio::const_buffer(line.data(), line.size()), ec);
  if (p.request_line_done) return p.target.size() > limits.target ? 414 : 0;
  return ec == error::need_more ? 400 : status_of(ec, line);
}

} // namespace instar::http

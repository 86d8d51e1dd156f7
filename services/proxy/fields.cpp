#include "services/proxy/fields.hpp"

#include "services/http/date.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace instar::proxy {

namespace {

constexpr std::string_view line_end = "\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const char l = lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

bool is_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

/// Calls `use(element)` for each element of a list.
template <class Use>
void each_element(std::string_view list, Use&& use) {
  while (!list.empty()) {
    const auto one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    if (const auto text = trimmed(one); !text.empty()) use(text);
  }
}

struct field_line {
  std::string_view name, value;
};

/// The fields of a head, without its first line; nothing if one of them is malformed.
std::optional<std::vector<field_line>> fields_of(std::string_view head) {
  std::vector<field_line> all;
  auto rest = head.substr(std::min(head.find(line_end), head.size()));
  while (true) {
    if (!rest.starts_with(line_end)) return std::nullopt;
    rest.remove_prefix(line_end.size());
    if (rest == line_end) return all;
    const auto line = rest.substr(0, rest.find(line_end));
    rest.remove_prefix(line.size());
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const field_line one{line.substr(0, colon), trimmed(line.substr(colon + 1))};
    if (!is_token(one.name) || !is_value(one.value)) return std::nullopt;
    all.push_back(one);
  }
}

/// Which fields concern one connection only, and so are not passed on.
class hop_fields {
public:
  explicit hop_fields(const std::vector<field_line>& all) {
    for (const auto& one : all)
      if (same(one.name, "Connection"))
        each_element(one.value, [&](std::string_view name) { named_.push_back(name); });
  }

  bool contain(std::string_view name) const {
    constexpr std::string_view known[] = {
        "Connection", "Keep-Alive",        "Proxy-Connection",    "TE",
        "Trailer",    "Transfer-Encoding", "Proxy-Authorization", "Proxy-Authenticate",
        "Upgrade",    "Content-Length"};
    const auto is_name = [&](std::string_view other) { return same(name, other); };
    return std::any_of(std::begin(known), std::end(known), is_name) ||
           std::any_of(named_.begin(), named_.end(), is_name);
  }
  /// Whether `Connection` says so.
  bool say(std::string_view option) const {
    return std::any_of(named_.begin(), named_.end(),
                       [&](std::string_view other) { return same(option, other); });
  }

private:
  std::vector<std::string_view> named_;
};

void append_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(": ").append(value).append(line_end);
}

std::string_view method_of(const http::request& of) {
  switch (of.line().method) {
  case http::method::get:
    return "GET";
  case http::method::head:
    return "HEAD";
  default:
    return of.find(http::field::method);
  }
}

/// Without the port: `[::1]:80` and `1.2.3.4:80`.
std::string_view address_of(std::string_view peer) {
  peer = peer.substr(0, peer.rfind(':'));
  if (peer.starts_with('[') && peer.ends_with(']')) peer = peer.substr(1, peer.size() - 2);
  return peer.empty() ? "unknown" : peer;
}

} // namespace

std::string upstream_head(const http::request& asked, std::string_view peer,
                          const pass_options& options) {
  const auto whole = asked.whole_head();
  const auto all = whole.empty() ? std::nullopt : fields_of(whole);
  if (!all) return {};
  const hop_fields hop(*all);
  std::string made;
  made.reserve(whole.size() + 256);
  made.append(method_of(asked)).append(" ").append(asked.target()).append(" HTTP/1.1\r\n");

  std::string_view client_host;
  std::string via, forwarded_for;
  std::string rest;
  const auto add = [](std::string& list, std::string_view value) {
    if (value.empty()) return;
    if (!list.empty()) list += ", ";
    list += value;
  };
  for (const auto& one : *all) {
    if (same(one.name, "Host")) client_host = one.value;
    else if (same(one.name, "Via")) add(via, one.value);
    else if (options.forwarded && same(one.name, "X-Forwarded-For")) add(forwarded_for, one.value);
    else if (options.forwarded &&
             (same(one.name, "X-Forwarded-Proto") || same(one.name, "X-Forwarded-Host")))
      continue; // told anew: nobody but who is in front of us could know better
    else if (same(one.name, "Expect")) continue; // was answered by who parsed
    else if (!hop.contain(one.name)) append_field(rest, one.name, one.value);
  }
  append_field(made, "Host", options.host.empty() ? client_host : options.host);
  made += rest;
  add(via, asked.line().http11 ? "1.1 instar" : "1.0 instar");
  append_field(made, "Via", via);
  if (options.forwarded) {
    add(forwarded_for, address_of(peer));
    append_field(made, "X-Forwarded-For", forwarded_for);
    append_field(made, "X-Forwarded-Proto", "http");
    if (!client_host.empty()) append_field(made, "X-Forwarded-Host", client_host);
  }
  const auto body = asked.body() ? asked.body()->size() : 0;
  const bool tells_length = std::any_of(all->begin(), all->end(), [](const field_line& f) {
    return same(f.name, "Content-Length") || same(f.name, "Transfer-Encoding");
  });
  if (body > 0 || (tells_length && asked.line().method == http::method::other))
    append_field(made, "Content-Length", std::to_string(body));
  made += line_end;
  return made;
}

namespace {

/// `HTTP/1.1 200 OK`: the status, and where the reason begins; 0 if it is none.
std::uint16_t status_of(std::string_view line, std::string_view& reason, bool& http11) {
  constexpr std::size_t before_reason = 12;
  if (line.size() < before_reason || !line.starts_with("HTTP/1.") || line[8] != ' ') return 0;
  if (line[7] != '0' && line[7] != '1') return 0;
  http11 = line[7] == '1';
  std::uint16_t status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = static_cast<std::uint16_t>(status * 10 + (c - '0'));
  }
  reason = line.substr(before_reason);
  if (!reason.empty() && reason.front() != ' ') return 0;
  reason = trimmed(reason);
  return status >= 100 && is_value(reason) ? status : 0;
}

/// All that a server says of the length has to be the same number.
bool read_length(std::string_view value, std::optional<std::uint64_t>& into) {
  bool good = !trimmed(value).empty();
  each_element(value, [&](std::string_view text) {
    std::uint64_t number = 0;
    const auto end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || (into && *into != number)) good = false;
    else into = number;
  });
  return good;
}

void append_now(std::string& to) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  http::date_text date;
  http::write_date(now.tv_sec, date);
  append_field(to, "Date", {date.data(), date.size()});
}

} // namespace

answer_head parse_answer_head(std::string_view head, bool head_only) {
  answer_head made;
  std::string_view reason;
  bool http11 = false;
  const auto status = status_of(head.substr(0, head.find(line_end)), reason, http11);
  const auto all = fields_of(head);
  if (status == 0 || !all) return made;
  const hop_fields hop(*all);
  made.passed.reserve(head.size() + 64);
  made.passed.append(reason).append(line_end);
  std::string via;
  bool dated = false;
  unsigned encodings = 0;
  std::optional<std::uint64_t> length;
  for (const auto& one : *all) {
    if (same(one.name, "Content-Length")) {
      if (!read_length(one.value, length)) return made;
    } else if (same(one.name, "Transfer-Encoding")) {
      if (!same(one.value, "chunked") || ++encodings > 1) return made;
      made.chunked = true;
    } else if (same(one.name, "Via")) {
      via.append(one.value).append(", ");
    } else if (!hop.contain(one.name)) {
      dated = dated || same(one.name, "Date");
      append_field(made.passed, one.name, one.value);
    }
  }
  // Both a length and chunks: somebody on the way has seen another end than we would.
  if (made.chunked && (length || !http11)) return made;
  append_field(made.passed, "Via", via + (http11 ? "1.1 instar" : "1.0 instar"));
  if (!dated) append_now(made.passed);
  made.status = status;
  made.keep_alive = http11 ? !hop.say("close") : hop.say("keep-alive");
  made.has_body = !head_only && status >= 200 && status != 204 && status != 304;
  made.length = length;
  return made;
}

} // namespace instar::proxy

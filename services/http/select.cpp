#include "services/http/select.hpp"

#include "services/http/date.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace instar::http {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// Takes the first member of a list away from its front.
std::string_view next_member(std::string_view& list) {
  const auto comma = std::min(list.find(','), list.size());
  const auto member = trimmed(list.substr(0, comma));
  list.remove_prefix(std::min(comma + 1, list.size()));
  return member;
}

/// Whether the tag is in a list of tags, or that is `*`. Quoted commas are part of a tag, so tags
/// are taken by their quotes.
bool lists(std::string_view list, std::string_view tag, bool weakly) {
  if (trimmed(list) == "*") return true;
  while (true) {
    list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
    const bool weak = list.starts_with("W/");
    if (weak) list.remove_prefix(2);
    if (!list.starts_with('"')) return false; // the end, or no list of tags
    const auto end = list.find('"', 1);
    if (end == std::string_view::npos) return false;
    if (list.substr(0, end + 1) == tag && (weakly || !weak)) return true;
    list.remove_prefix(end + 1);
  }
}

bool listed(const request& in, field which, const entity_tag& tag, bool weakly) {
  bool found = false;
  in.each(which, [&](std::string_view list) { found = found || lists(list, tag.text(), weakly); });
  return found;
}

/// 0, or the status that the preconditions lead to.
std::uint16_t precondition(const response& of, const entity_tag& tag) {
  const auto& asked = *of.asked;
  if (asked.has(field::if_match)) {
    if (!listed(asked, field::if_match, tag, false)) return 412;
  } else if (asked.has(field::if_unmodified_since)) {
    const auto date = parse_date(asked.find(field::if_unmodified_since));
    if (date && of.modified > *date) return 412;
  }
  if (asked.has(field::if_none_match)) {
    if (listed(asked, field::if_none_match, tag, true)) return 304;
  } else if (asked.has(field::if_modified_since)) {
    const auto date = parse_date(asked.find(field::if_modified_since));
    if (date && of.modified <= *date) return 304;
  }
  return 0;
}

/// `If-Range`: the parts are wanted only of what the client has already.
bool range_applies(const response& of, const entity_tag& tag) {
  const auto& asked = *of.asked;
  if (of.line.method != method::get || !asked.has(field::range)) return false;
  if (!asked.has(field::if_range)) return true;
  const auto wanted = asked.find(field::if_range);
  if (wanted.starts_with('"')) return wanted == tag.text();
  const auto date = parse_date(wanted);
  return date && *date == of.modified; // a weak tag is no date either
}

char* write_hex(char* at, std::uint64_t number) {
  return std::to_chars(at, at + 16, number, 16).ptr;
}

bool read_number(std::string_view text, std::uint64_t& into) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  // Beyond all that can be counted is beyond the end, too.
  if (std::from_chars(text.data(), text.data() + text.size(), into).ec != std::errc())
    into = std::numeric_limits<std::uint64_t>::max();
  return true;
}

} // namespace

entity_tag::entity_tag(const response_fields& of) noexcept {
  if (of.modified == 0) return;
  auto* at = text_.data();
  *at++ = '"';
  at = write_hex(at, static_cast<std::uint64_t>(of.modified));
  *at++ = '.';
  at = write_hex(at, of.modified_fraction);
  *at++ = '-';
  at = write_hex(at, of.complete_length);
  if (of.gzipped) at = std::copy_n("-gz", 3, at);
  *at++ = '"';
  size_ = static_cast<std::size_t>(at - text_.data());
}

range_list::meaning range_list::parse(std::string_view field, std::uint64_t size) noexcept {
  count_ = 0;
  constexpr std::string_view unit = "bytes=";
  if (!same(field.substr(0, unit.size()), unit)) return meaning::none;
  field.remove_prefix(unit.size());
  std::uint64_t total = 0;
  bool any = false;
  while (!field.empty()) {
    const auto member = next_member(field);
    if (member.empty()) continue; // a list may have empty members
    any = true;
    const auto dash = member.find('-');
    if (dash == std::string_view::npos) return meaning::none;
    const auto from = trimmed(member.substr(0, dash)), to = trimmed(member.substr(dash + 1));
    std::uint64_t first = 0, last = std::numeric_limits<std::uint64_t>::max();
    if (from.empty()) { // the last bytes
      std::uint64_t suffix = 0;
      if (!read_number(to, suffix)) return meaning::none;
      if (suffix == 0) continue;
      first = size - std::min(size, suffix);
    } else {
      if (!read_number(from, first)) return meaning::none;
      if (!to.empty() && !read_number(to, last)) return meaning::none;
      if (first > last) return meaning::none;
    }
    if (first >= size) continue;
    if (count_ == most) return meaning::none;
    const auto length = std::min(last, size - 1) - first + 1;
    if (length > size - total) return meaning::none; // all of it at once is less
    total += length;
    parts_[count_++] = {first, length};
  }
  if (!any) return meaning::none;
  return count_ > 0 ? meaning::parts : meaning::unsatisfiable;
}

void select(response& into, range_list& parts, std::uint64_t most_multipart) noexcept {
  const entity_tag tag(into);
  if (const auto status = precondition(into, tag); status != 0) {
    into.status = status;
    return;
  }
  if (!range_applies(into, tag)) return;
  const auto meant = parts.parse(into.asked->find(field::range), into.complete_length);
  if (meant == range_list::meaning::none) return;
  if (meant == range_list::meaning::unsatisfiable) {
    into.status = 416;
    return;
  }
  const auto wanted = parts.parts();
  if (wanted.size() == 1) {
    into.first = wanted[0].first;
    into.content_length = wanted[0].size;
  } else {
    std::uint64_t total = 0;
    for (const auto& one : wanted) total += one.size;
    if (total > most_multipart) return;
    into.parts = static_cast<std::uint8_t>(wanted.size());
  }
  into.status = 206;
}

namespace {

/// The weight of a member such as `gzip;q=0.5`, in thousandths; `name` is what it is of.
int weight(std::string_view member, std::string_view& name) {
  const auto semicolon = std::min(member.find(';'), member.size());
  name = trimmed(member.substr(0, semicolon));
  auto rest = trimmed(member.substr(std::min(semicolon + 1, member.size())));
  if (rest.size() < 2 || (rest[0] | 0x20) != 'q') return 1000;
  rest = trimmed(rest.substr(1));
  if (!rest.starts_with('=')) return 1000;
  rest = trimmed(rest.substr(1));
  if (rest.empty() || (rest[0] != '0' && rest[0] != '1')) return 0; // malformed: not wanted
  int value = (rest[0] - '0') * 1000, unit = 100;
  if (rest.size() > 1 && rest[1] != '.') return 0;
  for (const char c : rest.substr(std::min<std::size_t>(2, rest.size()))) {
    if (c < '0' || c > '9' || unit == 0) return 0;
    value += (c - '0') * unit;
    unit /= 10;
  }
  return std::min(value, 1000);
}

} // namespace

bool prefers_gzip(const request& asked) noexcept {
  constexpr int untold = -1;
  int gzip = untold, identity = untold, any = untold;
  asked.each(field::accept_encoding, [&](std::string_view list) {
    while (!list.empty()) {
      std::string_view name;
      const int q = weight(next_member(list), name);
      if (same(name, "gzip") || same(name, "x-gzip")) gzip = std::max(gzip, q);
      else if (same(name, "identity")) identity = q;
      else if (name == "*") any = q;
    }
  });
  if (gzip == untold) gzip = any == untold ? 0 : any;
  return gzip > 0 && gzip >= identity;
}

} // namespace instar::http

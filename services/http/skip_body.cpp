#include "services/http/skip_body.hpp"

#include <algorithm>

namespace instar::http {

namespace {

/// Bytes of all extensions and trailers of one body: nobody needs them.
constexpr std::uint32_t most_overhead = 8 * 1024;
constexpr std::uint8_t most_digits = 15;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

} // namespace

void body_skipper::begin_counted(std::uint64_t size) {
  at_ = {.phase = size > 0 ? phase::counted : phase::none, .left = size};
}

void body_skipper::begin_chunked(std::uint64_t most) {
  at_ = {.phase = phase::chunk_size, .allowed = most};
}

bool body_skipper::resume(const position& at) {
  if (at.phase > phase::last_end || at.digits > most_digits) return false;
  at_ = at;
  return true;
}

/// How many of so many bytes are content; they are counted as taken.
std::size_t body_skipper::content(std::size_t available) {
  if (at_.phase != phase::counted && at_.phase != phase::chunk_data) return 0;
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(at_.left, available));
  at_.left -= taken;
  if (at_.left == 0) at_.phase = at_.phase == phase::counted ? phase::none : phase::data_return;
  return taken;
}

body_skipper::progress body_skipper::step(char c) {
  const auto expect = [&](char wanted, phase next) {
    at_.phase = next;
    return c == wanted ? progress::open : progress::malformed;
  };
  switch (at_.phase) {
  case phase::chunk_size:
    return size_step(c);
  case phase::extension:
  case phase::trailer:
    if (c == '\r') {
      at_.phase = at_.phase == phase::extension ? phase::size_end : phase::trailer_end;
      return progress::open;
    }
    return is_control(c) || ++at_.overhead > most_overhead ? progress::malformed : progress::open;
  case phase::size_end:
    return expect('\n', at_.left == 0 ? phase::trailer_begin : phase::chunk_data);
  case phase::data_return:
    return expect('\r', phase::data_end);
  case phase::data_end:
    at_.digits = 0;
    return expect('\n', phase::chunk_size);
  case phase::trailer_begin:
    at_.phase = c == '\r' ? phase::last_end : phase::trailer;
    return is_control(c) && c != '\r' ? progress::malformed : progress::open;
  case phase::trailer_end:
    return expect('\n', phase::trailer_begin);
  case phase::last_end:
    return expect('\n', phase::none);
  default:
    return progress::malformed;
  }
}

body_skipper::progress body_skipper::size_step(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++at_.digits > most_digits) return progress::malformed;
    at_.left = at_.left * 16 + static_cast<std::uint64_t>(digit);
    return progress::open;
  }
  if (at_.digits == 0) return progress::malformed;
  if (c == '\r') at_.phase = phase::size_end;
  else if (c == ';' || c == ' ' || c == '\t') at_.phase = phase::extension;
  else return progress::malformed;
  if (at_.left > at_.allowed) return progress::too_large;
  at_.allowed -= at_.left;
  return progress::open;
}

} // namespace instar::http

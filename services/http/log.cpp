#include "services/http/log.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

namespace instar::http {

namespace {

/// From so many bytes on they are written without waiting for the timer.
constexpr std::size_t worth_writing = 64 * 1024;

void append_number(std::string& to, std::uint64_t number) {
  char digits[20];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// Quotes, backslashes and what is no printable ASCII could forge a field or a line.
void append_escaped(std::string& to, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      to += c;
      continue;
    }
    to += "\\x";
    to += "0123456789ABCDEF"[byte >> 4];
    to += "0123456789ABCDEF"[byte & 15];
  }
}

void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  if (text.empty()) to += '-';
  else append_escaped(to, text);
  to += '"';
}

/// Without the port: `[::1]:80` and `1.2.3.4:80`.
std::string_view host_of(std::string_view peer) {
  peer = peer.substr(0, peer.rfind(':'));
  if (peer.starts_with('[') && peer.ends_with(']')) peer = peer.substr(1, peer.size() - 2);
  return peer.empty() ? "-" : peer;
}

void append_request_line(std::string& to, const response& of) {
  const std::string_view target = of.asked ? of.asked->target() : std::string_view();
  if (target.empty()) { // so much of it was not understood
    to += "\"-\"";
    return;
  }
  const auto other = of.asked->find(field::method);
  to += '"';
  if (!other.empty()) append_escaped(to, other);
  else to += of.line.method == method::head ? "HEAD" : "GET";
  to += ' ';
  append_escaped(to, target);
  to += of.line.http11 ? " HTTP/1.1\"" : " HTTP/1.0\"";
}

bool has_body(const response& of) { return of.passed || of.status == 200 || of.status == 206; }

/// Of the body; compose has put the text of a refusal behind the head.
std::uint64_t body_bytes(const response& of) {
  if (has_body(of)) return of.body.size();
  const auto head_end = of.head().find("\r\n\r\n");
  return head_end == std::string_view::npos ? 0 : of.head().size() - head_end - 4;
}

log_file::options options_of(const settings& values) {
  return {values.path("file"), values.size("max_size"),
          static_cast<unsigned>(std::clamp<std::int64_t>(values.integer("keep"), 0, 1000))};
}

} // namespace

void append_log_line(std::string& to, const response& of, std::string_view date) {
  to += of.from ? host_of(of.from->peer()) : "-";
  to += " - - [";
  to += date;
  to += "] ";
  append_request_line(to, of);
  to += ' ';
  append_number(to, of.status);
  to += ' ';
  append_number(to, body_bytes(of));
  to += ' ';
  append_quoted(to, of.asked ? of.asked->find(field::referer) : std::string_view());
  to += ' ';
  append_quoted(to, of.asked ? of.asked->find(field::user_agent) : std::string_view());
}

log::log(const settings& values)
    : file_(std::make_shared<log_file>(options_of(values))),
      flush_every_(std::max<std::chrono::nanoseconds>(values.duration("flush_every"),
                                                      std::chrono::milliseconds(1))),
      most_waiting_(values.size("max_waiting")) {}

void log::on_start(context& ctx) {
  if (!lines_.empty()) write_soon(ctx);
}

void log::on_packet(context& ctx, std::size_t, packet p) {
  const auto& passing = p.as<response>();
  if (passing.from && passing.status != 100) {
    add_line(passing);
    if (lines_.size() >= worth_writing && being_written_ == 0) write(ctx);
    else write_soon(ctx);
  }
  ctx.emit_packet(out.index, std::move(p));
}

void log::add_line(const response& of) {
  if (lines_.size() + being_written_ >= most_waiting_) {
    ++dropped_;
    return;
  }
  append_log_line(lines_, of, date());
  lines_ += '\n';
}

std::string_view log::date() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second_) {
    second_ = now.tv_sec;
    tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[64]; // by hand: strftime would ask the locale
    const auto size = ::snprintf(text, sizeof text, "%02d/%.3s/%d:%02d:%02d:%02d +0000",
                                 parts.tm_mday, months.data() + parts.tm_mon * 3,
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    date_.assign(text, static_cast<std::size_t>(std::max(size, 0)));
  }
  return date_;
}

// -- writing ------------------------------------------------------------------------------------

void log::write_soon(context& ctx) {
  if (flushes_) return;
  flushes_ = true;
  ctx.set_timer(flush_every_, 0);
}

void log::on_timer(context& ctx, std::uint64_t) {
  flushes_ = false;
  if (being_written_ == 0) write(ctx);
}

void log::write(context& ctx) {
  if (lines_.empty()) return;
  const auto lines = std::make_shared<std::string>(std::move(lines_));
  const auto error = std::make_shared<std::string>();
  lines_.clear();
  being_written_ = lines->size();
  ctx.run_blocking([file = file_, lines, error] { *error = file->append(*lines); },
                   [this, error](context& then) { written(then, *error); });
}

void log::written(context& ctx, const std::string& error) {
  being_written_ = 0;
  if (!error.empty())
    ctx.log(log_level::warning,
            "lines of the access log are lost: " + error + "; make room, or set another file");
  if (const auto lost = std::exchange(dropped_, 0); lost > 0)
    ctx.log(log_level::warning,
            std::to_string(lost) + " lines of the access log are lost: the disk is too slow");
  if (lines_.size() >= worth_writing) write(ctx);
  else if (!lines_.empty()) write_soon(ctx);
}

std::optional<std::string> log::not_yet(context& ctx, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || lines_.empty()) return std::nullopt;
  if (being_written_ == 0) write(ctx);
  return "lines of the access log are being written";
}

// -- state --------------------------------------------------------------------------------------

void log::save(state_writer& into) const {
  auto state = into.init<LogState>();
  state.setDropped(dropped_);
  if (into.purpose() == save_purpose::checkpoint) return; // this instance goes on to write them
  state.setLines(
      capnp::Data::Reader(reinterpret_cast<const kj::byte*>(lines_.data()), lines_.size()));
  state.setFlushes(flushes_);
}

void log::restore(context&, state_reader& from) {
  const auto state = from.root<LogState>();
  const auto lines = state.getLines();
  lines_.assign(reinterpret_cast<const char*>(lines.begin()), lines.size());
  dropped_ = state.getDropped();
  flushes_ = state.getFlushes();
}

} // namespace instar::http

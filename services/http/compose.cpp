#include "services/http/compose.hpp"

#include <time.h>

#include <cassert>
#include <charconv>
#include <cstring>
#include <utility>

namespace instar::http {

namespace {

/// Appends to the room of a head. What is written is bounded by construction; the assertion guards
/// against a longer content type.
class appender {
public:
  explicit appender(std::array<char, response::max_head>& into) : into_(into) {}

  appender& operator<<(std::string_view text) {
    assert(size_ + text.size() <= into_.size());
    std::memcpy(into_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  appender& operator<<(std::uint64_t number) {
    const auto end = std::to_chars(into_.data() + size_, into_.data() + into_.size(), number).ptr;
    size_ = static_cast<std::size_t>(end - into_.data());
    return *this;
  }
  std::size_t size() const { return size_; }

private:
  std::array<char, response::max_head>& into_;
  std::size_t size_ = 0;
};

std::int64_t wall_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return now.tv_sec;
}

void write_connection(appender& to, const request_line& line) {
  if (!line.keep_alive) to << "Connection: close\r\n";
  else if (!line.http11) to << "Connection: keep-alive\r\n";
}

} // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 411:
    return "Length Required";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 417:
    return "Expectation Failed";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Unknown";
  }
}

void compose::on_packet(context& ctx, std::size_t, packet p) {
  auto made = p.take<response>();
  if (!made->from) return; // its answer goes another way
  if (!made->unique()) {
    // Somebody else looks at it, so the head goes into a copy; the body is shared.
    auto copy = make_payload<response>(std::move(made->from), made->line);
    copy->status = made->status;
    copy->modified = made->modified;
    copy->content_type = made->content_type;
    copy->content_length = made->content_length;
    copy->body = made->body;
    made = std::move(copy);
  }
  write_head(*made);
  ctx.emit(out, std::move(made), p.key);
}

void compose::write_head(response& of) {
  appender head(of.head_room());
  head << "HTTP/1.1 " << std::uint64_t(of.status) << " " << reason_phrase(of.status)
       << common_fields();
  write_connection(head, of.line);
  if (of.status == 405) head << "Allow: GET, HEAD\r\n";
  if (of.status == 200) {
    if (of.modified > 0) {
      date_text date;
      write_date(of.modified, date);
      head << "Last-Modified: " << std::string_view(date.data(), date.size()) << "\r\n";
    }
    head << "Content-Type: " << of.content_type << "\r\nContent-Length: " << of.content_length
         << "\r\n\r\n";
  } else {
    const auto reason = reason_phrase(of.status);
    head << "Content-Type: text/plain; charset=utf-8\r\nContent-Length: "
         << std::uint64_t(reason.size() + 5) << "\r\n\r\n";
    if (of.line.method != method::head) head << std::uint64_t(of.status) << " " << reason << "\n";
  }
  of.set_head_size(head.size());
}

/// The end of the status line and the fields that all responses of one second share.
std::string_view compose::common_fields() {
  if (const auto now = wall_seconds(); now != second_) {
    second_ = now;
    date_text date;
    write_date(now, date);
    common_fields_ = "\r\nServer: instar\r\nDate: ";
    common_fields_.append(date.data(), date.size());
    common_fields_ += "\r\n";
  }
  return common_fields_;
}

} // namespace instar::http

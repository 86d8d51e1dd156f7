#include "services/http/head_writer.hpp"

#include "services/http/select.hpp"

#include <time.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>
#include <string>

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
  /// As 16 hexadecimal digits.
  appender& hex(std::uint64_t number) {
    for (int shift = 60; shift >= 0; shift -= 4)
      into_[size_++] = "0123456789abcdef"[number >> shift & 15];
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

/// What tells one state of a file from another: with 200, 206 and 304 alike.
void write_validators(appender& to, const response& of) {
  if (of.modified > 0) {
    date_text date;
    write_date(of.modified, date);
    to << "Last-Modified: " << std::string_view(date.data(), date.size())
       << "\r\nETag: " << entity_tag(of).text() << "\r\n";
  }
  if (of.varies) to << "Vary: Accept-Encoding\r\n";
}

void write_entity(appender& to, const response& of) {
  write_validators(to, of);
  if (of.parts > 1) {
    to << "Content-Type: multipart/byteranges; boundary=";
    to.hex(of.boundary) << "\r\n";
  } else {
    to << "Content-Type: " << of.content_type << "\r\n";
    if (of.status == 206)
      to << "Content-Range: bytes " << of.first << "-" << of.first + of.content_length - 1 << "/"
         << of.complete_length << "\r\n";
  }
  if (of.gzipped) to << "Content-Encoding: gzip\r\n";
  if (of.status == 200) to << "Accept-Ranges: bytes\r\n";
  to << "Content-Length: " << of.content_length << "\r\n\r\n";
}

/// The text of a refusal.
void write_text(appender& to, const response& of) {
  const auto reason = reason_phrase(of.status);
  to << "Content-Type: text/plain; charset=utf-8\r\nContent-Length: "
     << std::uint64_t(reason.size() + 5) << "\r\n\r\n";
  if (of.line.method != method::head) to << std::uint64_t(of.status) << " " << reason << "\n";
}

/// The same path with a slash at its end. Slashes at its front become one: two would name a host.
std::string slashed(std::string_view target) {
  const auto path = target.substr(0, target.find_first_of("?#"));
  const auto rest = target.substr(path.size());
  std::string made = "/";
  made += path.substr(std::min(path.find_first_not_of('/'), path.size()));
  made += '/';
  made += rest.substr(0, rest.find('#'));
  return made;
}

} // namespace

std::string_view reason_phrase(std::uint16_t status) noexcept {
  switch (status) {
  case 100:
    return "Continue";
  case 200:
    return "OK";
  case 206:
    return "Partial Content";
  case 301:
    return "Moved Permanently";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 416:
    return "Range Not Satisfiable";
  case 417:
    return "Expectation Failed";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 502:
    return "Bad Gateway";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  case 505:
    return "HTTP Version Not Supported";
  default:
    return "Unknown";
  }
}

void head_writer::write(response& of) {
  appender head(of.head_room());
  if (of.status == 100) { // no answer yet
    head << "HTTP/1.1 100 Continue\r\n\r\n";
    return of.set_head_size(head.size());
  }
  if (of.passed) return write_passed(of);
  head << "HTTP/1.1 " << std::uint64_t(of.status) << " " << reason_phrase(of.status)
       << common_fields();
  write_connection(head, of.line);
  if (of.status == 200 || of.status == 206) {
    write_entity(head, of);
  } else if (of.status == 304) {
    write_validators(head, of);
    head << "\r\n";
  } else {
    if (of.status == 503) head << "Retry-After: " << std::uint64_t(retry_seconds_) << "\r\n";
    if (of.status == 405) head << "Allow: GET, HEAD\r\n";
    if (of.status == 416) head << "Content-Range: bytes */" << of.complete_length << "\r\n";
    if (of.status == 301 && of.asked) return write_redirect(of, head.size());
    write_text(head, of);
  }
  of.set_head_size(head.size());
}

/// What somebody else has answered.
void head_writer::write_passed(response& of) {
  const std::string_view fields(reinterpret_cast<const char*>(of.passed->data()),
                                of.passed->size());
  appender head(of.head_room());
  head << "HTTP/1.1 " << std::uint64_t(of.status) << " ";
  constexpr std::size_t most_more = 32; // "Connection: keep-alive" and the empty line
  if (head.size() + fields.size() + most_more <= response::max_head) {
    head << fields;
    write_connection(head, of.line);
    head << "\r\n";
    return of.set_head_size(head.size());
  }
  std::string text(of.head_room().data(), head.size());
  text += fields;
  appender end(of.head_room());
  write_connection(end, of.line);
  end << "\r\n";
  text.append(of.head_room().data(), end.size());
  of.set_long_head(text);
}

/// The target may be longer than the room for a head.
void head_writer::write_redirect(response& of, std::size_t begun) {
  std::string head(of.head_room().data(), begun);
  head += "Location: " + slashed(of.asked->target()) + "\r\n";
  appender text(of.head_room());
  write_text(text, of);
  head.append(of.head_room().data(), text.size());
  of.set_long_head(head);
}

/// The end of the status line and the fields that all responses of one second share.
std::string_view head_writer::common_fields() {
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

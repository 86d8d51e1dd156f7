#include "services/http/multipart.hpp"

#include <sys/random.h>

#include <chrono>

namespace instar::http {

namespace {

std::string digits(std::uint64_t boundary) {
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, boundary >>= 4)
    *at = "0123456789abcdef"[boundary & 15];
  return text;
}

} // namespace

std::string part_head(const response_fields& of, const byte_range& part) {
  return "\r\n--" + digits(of.boundary) + "\r\nContent-Type: " + std::string(of.content_type) +
         "\r\nContent-Range: bytes " + std::to_string(part.first) + "-" +
         std::to_string(part.first + part.size - 1) + "/" + std::to_string(of.complete_length) +
         "\r\n\r\n";
}

std::string last_part_end(const response_fields& of) {
  return "\r\n--" + digits(of.boundary) + "--\r\n";
}

std::uint64_t make_boundary() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
    number =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return number;
}

} // namespace instar::http

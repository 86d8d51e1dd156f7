#include "response.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace instar::load {

namespace {

constexpr std::size_t max_header = 16 * 1024;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

} // namespace

void response_reader::reset(expectation expected) {
  expected_ = expected;
  header_.clear();
  length_ = seen_ = 0;
  result_ = outcome::ok;
  in_body_ = complete_ = must_close_ = false;
}

void response_reader::give_up(outcome why) {
  result_ = why;
  complete_ = must_close_ = true;
}

std::size_t response_reader::feed(std::string_view bytes) {
  std::size_t used = 0;
  if (!in_body_ && !complete_) used = feed_header(bytes);
  if (in_body_ && !complete_) used += feed_body(bytes.substr(used));
  return used;
}

std::size_t response_reader::feed_header(std::string_view bytes) {
  auto before = header_.size();
  auto taken = std::min(bytes.size(), max_header - before);
  header_.append(bytes.substr(0, taken));
  auto end = header_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == std::string::npos) {
    if (header_.size() == max_header) give_up(outcome::malformed);
    return taken;
  }
  header_.resize(end + 2);
  read_header();
  return end + 4 - before;
}

void response_reader::read_header() {
  std::string_view rest = header_;
  auto line_end = rest.find("\r\n");
  auto first = rest.substr(0, line_end);
  rest.remove_prefix(line_end + 2);
  if (first.size() < 12 || first.substr(0, 9) != "HTTP/1.1 ") return give_up(outcome::malformed);
  if (first.substr(9, 3) != "200") result_ = outcome::status;
  bool has_length = false;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size() + 2);
    auto colon = line.find(':');
    if (colon == std::string_view::npos) return give_up(outcome::malformed);
    auto key = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (same_word(key, "content-length")) {
      auto [stop, error] = std::from_chars(value.begin(), value.end(), length_);
      if (error != std::errc() || stop != value.end()) return give_up(outcome::malformed);
      has_length = true;
    } else if (same_word(key, "connection") && same_word(value, "close")) {
      must_close_ = true;
    }
  }
  if (!has_length) return give_up(outcome::malformed);
  if (result_ == outcome::ok && expected_.body && expected_.body->size() != length_)
    result_ = outcome::length;
  in_body_ = true;
  complete_ = length_ == 0;
}

std::size_t response_reader::feed_body(std::string_view bytes) {
  auto taken = std::min(bytes.size(), length_ - seen_);
  if (result_ == outcome::ok && expected_.body &&
      std::memcmp(bytes.data(), expected_.body->data() + seen_, taken) != 0)
    result_ = outcome::content;
  seen_ += taken;
  complete_ = seen_ == length_;
  return taken;
}

} // namespace instar::load

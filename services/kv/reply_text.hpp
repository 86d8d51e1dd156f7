#pragma once

#include "services/kv/batch.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace instar::kv {

/// Writes answers in RESP2.
class reply_text {
public:
  explicit reply_text(replies& to) : to_(to) {}

  std::size_t size() const { return to_.size(); }

  /// As it is.
  void raw(std::string_view text) {
    std::memcpy(to_.room(text.size()), text.data(), text.size());
    to_.advance(text.size());
  }
  void ok() { raw("+OK\r\n"); }
  void nil() { raw("$-1\r\n"); }
  void no_array() { raw("*-1\r\n"); }
  void integer(std::int64_t value) { line(':', value); }
  /// What follows are so many answers.
  void array(std::size_t count) { line('*', static_cast<std::int64_t>(count)); }
  /// One line without a line break.
  void simple(std::string_view text) {
    raw("+");
    raw(text);
    raw("\r\n");
  }
  void bulk(std::string_view text) {
    char* const begin = to_.room(text.size() + 26);
    char* at = begin;
    *at++ = '$';
    at = text.size() < 10 ? (*at = static_cast<char>('0' + text.size()), at + 1)
                          : std::to_chars(at, at + 20, text.size()).ptr;
    *at++ = '\r';
    *at++ = '\n';
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    at += text.size();
    *at++ = '\r';
    *at++ = '\n';
    to_.advance(static_cast<std::size_t>(at - begin));
  }

  /// `code text`, as `ERR syntax error`. Control characters become spaces.
  void error(std::string_view text) { error({}, text, {}); }
  void error(std::string_view before, std::string_view text, std::string_view after) {
    raw("-");
    for (const auto part : {before, text, after}) {
      char* to = to_.room(part.size());
      for (const char c : part) *to++ = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
      to_.advance(part.size());
    }
    raw("\r\n");
  }

private:
  void line(char kind, std::int64_t value) {
    char* const begin = to_.room(24);
    char* at = begin;
    *at++ = kind;
    at = std::to_chars(at, at + 20, value).ptr;
    *at++ = '\r';
    *at++ = '\n';
    to_.advance(static_cast<std::size_t>(at - begin));
  }

  replies& to_;
};

namespace errors {
inline constexpr std::string_view syntax = "ERR syntax error";
inline constexpr std::string_view not_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view wrong_type =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
inline constexpr std::string_view overflow = "ERR increment or decrement would overflow";
} // namespace errors

} // namespace instar::kv

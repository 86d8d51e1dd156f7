#include "services/kv/command.hpp"
#include "services/kv/glob.hpp"
#include "services/kv/resp.hpp"
#include "services/kv_parts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::kv;
using instar::test::command;

namespace {

using strings = std::vector<std::string>;
using step = request_parser::step;

constexpr resp_limits small{.max_args = 8, .max_bulk = 100, .max_command = 400, .max_inline = 50};

/// Gives the parser pieces of a text as a connection would, and collects what comes out.
struct feeder {
  explicit feeder(resp_limits limits = small) : parser(limits) {}

  void give(std::string_view piece) {
    if (failed) return;
    bytes += piece;
    std::string decoded;
    std::vector<std::string_view> args;
    for (;;) {
      args.clear();
      decoded.clear();
      const auto got = parser.next(bytes, args, decoded);
      if (got == step::error) failed = true;
      if (got != step::command) break;
      std::string all;
      for (const auto a : args) all += (all.empty() ? "" : "|") + std::string(a);
      commands.push_back(all);
    }
    const auto done = parser.done();
    bytes.erase(0, done);
    parser.forget(done);
  }

  request_parser parser;
  std::string bytes;
  strings commands;
  bool failed = false;
};

std::string complaint(const std::string& text) {
  feeder f;
  f.give(text);
  return f.failed ? f.parser.complaint() : "";
}

} // namespace

TEST_CASE("commands come out the same however their bytes are cut") {
  const auto text = command({"SET", "key", "some value"}) + "PING\r\n" + "*0\r\n" + "\r\n" +
                    command({"GET", ""}) + "set  'a b' \"c\\x41\\n\"\n" + "*-1\r\n" +
                    command({"ECHO", "\r\n*1\r\n"}) + "*2\r\n$4\r\nlast\r\n$10\r\n0123456789\r\n";
  const strings expected{"SET|key|some value", "PING",           "GET|", "set|a b|cA\n",
                         "ECHO|\r\n*1\r\n",    "last|0123456789"};
  feeder whole;
  whole.give(text);
  CHECK(whole.commands == expected);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    feeder f;
    f.give(std::string_view(text).substr(0, cut));
    f.give(std::string_view(text).substr(cut));
    CHECK(f.commands == expected);
    CHECK(f.bytes.empty());
  }
  feeder bytewise;
  for (const char c : text) bytewise.give({&c, 1});
  CHECK(bytewise.commands == expected);
}

TEST_CASE("what is no command is told apart, after those before it") {
  feeder f;
  f.give(command({"PING"}) + "*1\r\n*1\r\n$1\r\na\r\n");
  CHECK(f.commands == strings{"PING"});
  CHECK(f.failed);
  CHECK(f.parser.complaint() == "expected '$', got '*'");
  CHECK(complaint("*x\r\n") == "invalid multibulk length");
  CHECK(complaint("*9\r\n") == "invalid multibulk length");
  CHECK(complaint("*99999999999999999999999\r\n") == "invalid multibulk length");
  CHECK(complaint("*1\rX") == "invalid multibulk length");
  CHECK(complaint("*" + std::string(40, '1')) == "too big mbulk count string");
  CHECK(complaint("*1\r\n$" + std::string(40, '1')) == "too big bulk count string");
  CHECK(complaint("*1\r\n$-1\r\n") == "invalid bulk length");
  CHECK(complaint("*1\r\n$101\r\n") == "invalid bulk length");
  CHECK(complaint("*1\r\n$+5\r\n") == "invalid bulk length");
  CHECK(complaint("*1\r\n$05\r\n") == "invalid bulk length");
  CHECK(complaint("*1\r\n$1\r\nab\r\n").find("end of line") != std::string::npos);
  CHECK(complaint("*1\r\nx") == "expected '$', got 'x'");
  CHECK(complaint("*1\r\n\1") == "expected '$', got '?'");
  CHECK(complaint(std::string(60, 'x')) == "too big inline request");
  CHECK(complaint(std::string(60, 'x') + "\r\n") == "too big inline request");
  CHECK(complaint("SET a \"b\r\n") == "unbalanced quotes in request");
  CHECK(complaint("SET a 'b'c\r\n") == "unbalanced quotes in request");
  CHECK(complaint("1 2 3 4 5 6 7 8 9\r\n") == "invalid multibulk length");
  std::string much = "*8\r\n";
  for (int i = 0; i < 8; ++i) much += "$90\r\n" + std::string(90, 'x') + "\r\n";
  CHECK(complaint(much) == "a command of more bytes than are allowed");
}

TEST_CASE("a number that is none is complained of alike, however it is cut") {
  for (const std::string text : {"*1\r\n$03\r\nGET\r\n", "*01\r\n$3\r\nGET\r\n"}) {
    feeder f;
    for (const char c : text) f.give({&c, 1});
    CHECK(!complaint(text).empty());
    CHECK(f.parser.complaint() == complaint(text));
  }
  for (const std::string start : {"*", "*1\r\n$"})
    for (std::size_t digits = 28; digits < 40; ++digits)
      for (const std::string end : {"\r\n", "\rx", "\n\r\n", "\r\r\n"}) {
        const auto text = start + std::string(digits, '1') + end + std::string(8, '\r');
        const auto at_once = complaint(text);
        CHECK(!at_once.empty());
        for (std::size_t piece = 1; piece < 5; ++piece) {
          feeder f;
          for (std::size_t at = 0; at < text.size(); at += piece)
            f.give(std::string_view(text).substr(at, piece));
          CHECK(f.parser.complaint() == at_once);
        }
      }
}

TEST_CASE("the time for a command does not depend on how many pieces it comes in") {
  // Quadratic work would be 1.6 * 10^11 bytes.
  feeder f({.max_args = 400'000, .max_bulk = 10, .max_command = 1 << 30, .max_inline = 1 << 30});
  f.give("*200000\r\n");
  for (int i = 0; i < 200'000; ++i) f.give("$1\r\nx\r\n");
  CHECK(f.commands.size() == 1);
  feeder lines({.max_args = 10, .max_bulk = 10, .max_command = 1 << 30, .max_inline = 1 << 30});
  for (int i = 0; i < 400'000; ++i) lines.give("x");
  lines.give("\n");
  CHECK(lines.commands.size() == 1);
}

TEST_CASE("random and mutated bytes are understood, waited for or refused, never worse") {
  std::mt19937_64 random(1);
  const auto good =
      command({"SET", "key", "value"}) + command({"MGET", "a", "b", "c"}) + "set \"a\" 'b'\r\n";
  const std::string alphabet = "*$0123459-\r\n\"'\\x ab";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    if (round % 2 == 0)
      for (auto n = random() % 4 + 1; n > 0; --n)
        text[random() % text.size()] = static_cast<char>(random());
    else {
      text.resize(random() % 80);
      for (auto& c : text) c = alphabet[random() % alphabet.size()];
    }
    feeder whole, cut;
    whole.give(text);
    for (std::size_t at = 0; at < text.size();) {
      const auto n = random() % 9 + 1;
      cut.give(std::string_view(text).substr(at, n));
      at += n;
    }
    CHECK(whole.commands == cut.commands);
    CHECK(whole.failed == cut.failed);
  }
}

TEST_CASE("commands are found by their names in any case, and nothing else is") {
  for (std::uint16_t id = 2; info_of(static_cast<command_id>(id)).id != command_id::unknown; ++id) {
    const auto& info = info_of(static_cast<command_id>(id));
    std::string name(info.name);
    CHECK(find_command(name).id == info.id);
    for (std::size_t i = 0; i < name.size(); i += 2) name[i] = static_cast<char>(name[i] - 32);
    CHECK(find_command(name).id == info.id);
    CHECK(find_command(name + "x").id == command_id::unknown);
    name[0] = static_cast<char>(name[0] & ~0x40); // becomes the same with bit 0x20 set, or not
    CHECK(find_command(name).id == command_id::unknown);
  }
  for (const char* name : {"", "g", "ge", "gett", "pexpireax", "nothing at all of the kind"})
    CHECK(find_command(name).id == command_id::unknown);
}

TEST_CASE("patterns match as in Redis") {
  const auto m = [](const char* pattern, const char* text) { return glob_match(pattern, text); };
  CHECK(m("*", ""));
  CHECK(m("h?llo", "hello"));
  CHECK_FALSE(m("h?llo", "hllo"));
  CHECK(m("h*llo", "heeeello"));
  CHECK(m("h[ae]llo", "hallo"));
  CHECK_FALSE(m("h[ae]llo", "hillo"));
  CHECK(m("h[^e]llo", "hallo"));
  CHECK_FALSE(m("h[^e]llo", "hello"));
  CHECK(m("h[a-c]llo", "hbllo"));
  CHECK(m("h[c-a]llo", "hbllo"));
  CHECK(m("a\\*b", "a*b"));
  CHECK_FALSE(m("a\\*b", "axb"));
  CHECK(m("[\\]]", "]"));
  CHECK(m("*a*b*c", "xxaxxbxxc"));
  CHECK_FALSE(m("*a*b*c", "xxaxxbxx"));
  CHECK_FALSE(m("", "x"));
  CHECK_FALSE(m("abc", "ab"));
  CHECK_FALSE(m("[", ""));
  CHECK(m("x[a", "xa"));
  // Would take for ever if each star were tried with each other.
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST_CASE("numbers are taken only as they would be written") {
  std::int64_t n = 0;
  CHECK(parse_integer("9223372036854775807", n));
  CHECK(n == INT64_MAX);
  CHECK(parse_integer("-9223372036854775808", n));
  CHECK(n == INT64_MIN);
  for (const char* text : {"", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1.0", "0x1",
                           "9223372036854775808", "-9223372036854775809", "--1"})
    CHECK_FALSE(parse_integer(text, n));
}

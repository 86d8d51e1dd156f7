#include "services/http/skip_body.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace instar::http;
using progress = body_skipper::progress;

namespace {

/// What became of it, and what was left.
std::pair<progress, std::string> skip(body_skipper& tested, std::string_view text) {
  const auto done = tested.skip(text);
  return {done, std::string(text)};
}

} // namespace

TEST_CASE("a counted body takes as many bytes as it has") {
  body_skipper tested;
  tested.begin_counted(5);
  CHECK(skip(tested, "abc") == std::pair(progress::open, std::string()));
  CHECK(skip(tested, "deGET") == std::pair(progress::complete, std::string("GET")));
  tested.begin_counted(0);
  CHECK_FALSE(tested.open());
}

TEST_CASE("chunks are skipped however they are cut, and go on from any position") {
  const std::string body =
      "3\r\nabc\r\n1a;name=\"v\"\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    body_skipper first, second;
    first.begin_chunked(100);
    const auto before = skip(first, body.substr(0, cut));
    CHECK(before.first == (cut == body.size() ? progress::complete : progress::open));
    REQUIRE(second.resume(first.where()));
    const auto after = skip(second, body.substr(cut) + "next");
    CHECK(after == std::pair(progress::complete, std::string("next")));
  }
}

TEST_CASE("chunks of more bytes than are allowed are refused before they come") {
  body_skipper tested;
  tested.begin_chunked(10);
  CHECK(skip(tested, "6\r\nabcdef\r\n4\r\nabcd\r\n0\r\n\r\n").first == progress::complete);
  tested.begin_chunked(10);
  CHECK(skip(tested, "6\r\nabcdef\r\n5\r").first == progress::too_large);
  tested.begin_chunked(~0ull);
  CHECK(skip(tested, "fffffffffffffff\r\n").first == progress::open);
  tested.begin_chunked(~0ull);
  CHECK(skip(tested, "1fffffffffffffff\r\n").first == progress::malformed);
}

TEST_CASE("extensions and trailers without end are refused") {
  body_skipper tested;
  tested.begin_chunked(1'000'000);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "1;0123456789\r\nx\r\n";
  CHECK(skip(tested, text).first == progress::malformed);
  tested.begin_chunked(10);
  CHECK(skip(tested, "0\r\n" + std::string(10'000, 'a')).first == progress::malformed);
}

TEST_CASE("random bytes never lead anywhere that cannot be handed over") {
  std::mt19937 random(3);
  const std::string alphabet = "0123aF;= \r\n\r\nx";
  for (int i = 0; i < 50'000; ++i) {
    body_skipper tested;
    tested.begin_chunked(64);
    std::string text(random() % 60, ' ');
    for (auto& c : text) c = alphabet[random() % alphabet.size()];
    const auto done = skip(tested, text).first;
    body_skipper next;
    if (done == progress::open) CHECK(next.resume(tested.where()));
  }
  CHECK_FALSE(body_skipper().resume({.phase = static_cast<body_skipper::phase>(99)}));
}

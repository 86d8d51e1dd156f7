#include "services/http/head.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

using namespace instar::http;

namespace {

parsed_head parse(const std::string& text, const head_limits& limits = {}) {
  return parse_head(text, limits);
}

struct refusal_case {
  std::string what;
  std::string head;
  int status;
};

} // namespace

TEST_CASE("a plain request is understood") {
  const std::string text = "GET /a/b.html?x=1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n";
  const auto head = parse(text);
  CHECK(head.line.refused == 0);
  CHECK(head.line.method == method::get);
  CHECK(head.line.keep_alive);
  CHECK(head.line.http11);
  CHECK(head.target == "/a/b.html?x=1");
  CHECK(head.body == 0);
}

TEST_CASE("whether a connection is kept follows the version and the Connection field") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").line.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").line.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n").line.keep_alive);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").line.keep_alive);
}

TEST_CASE("who waits for leave to send a body gets it, or the refusal and no further request") {
  const std::string expects = " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
  const auto leave = parse("GET /" + expects + "Content-Length: 3\r\n\r\n");
  CHECK(leave.wants_continue);
  CHECK(leave.line.keep_alive);
  const auto refused = parse("PUT /" + expects + "Content-Length: 3\r\n\r\n");
  CHECK_FALSE(refused.wants_continue);
  CHECK_FALSE(refused.line.keep_alive);
  const auto nothing = parse("PUT /" + expects + "\r\n");
  CHECK_FALSE(nothing.wants_continue);
  CHECK(nothing.line.keep_alive);
  const auto old = parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK_FALSE(old.wants_continue);
}

TEST_CASE("fields that matter are noted, in their order, and no others") {
  const std::string text = "GET / HTTP/1.1\r\nHost: h\r\nIf-None-Match: \"a\"\r\nX: y\r\n"
                           "Range: bytes=0-1\r\nIf-None-Match: \"b\"\r\nRange:\r\n\r\n";
  const auto head = parse(text);
  const auto fields = head.fields.all();
  REQUIRE(fields.size() == 3);
  CHECK(fields[0].which == field::if_none_match);
  CHECK(fields[0].value() == "\"a\"");
  CHECK(fields[1].value() == "bytes=0-1");
  CHECK(fields[2].value() == "\"b\"");
  const std::string plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n", other = "PUT" + plain.substr(3);
  CHECK(parse(plain).fields.all().empty());
  CHECK(parse(other).fields.all()[0].value() == "PUT");
}

TEST_CASE("an absolute target means its path") {
  const std::string with_path = "GET http://h:80/x?y HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string without = "HEAD HTTP://h HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(parse(with_path).target == "/x?y");
  CHECK(parse(without).target == "/");
  CHECK(parse(without).line.method == method::head);
}

TEST_CASE("a body that nobody wants is skipped or refused by its length") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").body == 5);
  const auto post = parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
  CHECK(post.line.refused == 405);
  CHECK(post.line.keep_alive);
  CHECK(post.body == 5);
  const auto chunked = parse("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(chunked.line.refused == 405);
  CHECK(chunked.line.keep_alive);
  CHECK(chunked.chunked);
}

TEST_CASE("what cannot be served is refused with the status that says why") {
  const std::string host = "Host: h\r\n";
  const refusal_case cases[] = {
      {"garbage", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"HTTP/2", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"HTTP/0.9 spelt out", "GET / HTTP/0.9\r\n" + host + "\r\n", 505},
      {"not HTTP", "GET / SIP/2.0\r\n" + host + "\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"control character in the target", "GET /a\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"target without slash", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
      {"target of another scheme", "GET ftp://h/x HTTP/1.1\r\n" + host + "\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"field without colon", "GET / HTTP/1.1\r\n" + host + "oops\r\n\r\n", 400},
      {"field with a space before its colon", "GET / HTTP/1.1\r\n" + host + "a : b\r\n\r\n", 400},
      {"bare line feeds", "GET / HTTP/1.1\nHost: h\n\n\r\n\r\n", 400},
      {"unknown method", "BREW / HTTP/1.1\r\n" + host + "\r\n", 501},
      {"method of others", "DELETE / HTTP/1.1\r\n" + host + "\r\n", 405},
      {"unknown expectation", "GET / HTTP/1.1\r\n" + host + "Expect: tea\r\n\r\n", 417},
      {"body too long", "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999\r\n\r\n", 413},
      {"length no number", "POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"length too large to count",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {"two lengths",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"chunked in HTTP/1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"value over two lines", "GET / HTTP/1.1\r\n" + host + "Range: a\r\n b\r\n\r\n", 400},
      {"other coding", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"length and coding",
       "POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"target too long", "GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n" + host + "\r\n", 414},
      {"head too long", "GET / HTTP/1.1\r\n" + host + "A: " + std::string(20000, 'a') + "\r\n\r\n",
       431},
  };
  for (const auto& c : cases) {
    INFO(c.what);
    const auto head = parse(c.head);
    CHECK(head.line.refused == c.status);
    const bool keeps = c.status == 405 || (c.status == 501 && c.head.starts_with("BREW"));
    CHECK(head.line.keep_alive == keeps);
  }
}

TEST_CASE("a head that cannot become valid is refused before it is complete") {
  const head_limits limits;
  const auto early = [&](const std::string& text) {
    return refuse_early(text, text.size(), limits);
  };
  CHECK(early("GET / HT") == 0);
  CHECK(early("GET / HTTP/1.1\r\nHost: h") == 0);
  CHECK(early("nonsense\r\n") == 400);
  CHECK(early("GET /\r\n") == 400);
  CHECK(early("GET / HTTP/3.0\r\nHost:") == 505);
  CHECK(early("GET /" + std::string(5000, 'a')) == 414);
  CHECK(early("GET / HTTP/1.1\r\n" + std::string(20000, 'a')) == 431);
}

TEST_CASE("random and damaged heads are refused or understood, never worse") {
  std::mt19937 random(7);
  const std::string good = "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: x\r\n\r\n";
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (unsigned n = random() % 4 + 1; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    if (i % 3 == 0) text.resize(random() % text.size());
    text += "\r\n\r\n";
    const auto head = parse(text);
    const auto status = head.line.refused;
    if (status != 0 && (status < 400 || status > 505)) FAIL(status, ": ", text);
    if (status == 0 && !head.target.starts_with('/')) FAIL(text);
    refuse_early(text, text.size(), {});
  }
}

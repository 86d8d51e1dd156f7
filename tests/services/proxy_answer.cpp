// Answers of upstream servers, read however they are cut; and the heads of requests to them.
#include "services/http/head.hpp"
#include "services/proxy/answer_reader.hpp"
#include "services/proxy/fields.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <ostream>
#include <span>
#include <string>
#include <string_view>

using namespace instar;
using namespace instar::proxy;
using progress = answer_reader::progress;

namespace {

constexpr answer_limits limits{1000, 100};

payload_ptr<spool> made_spool(std::size_t memory = 1000) {
  return make_payload<spool>(memory, "/tmp");
}

std::string text_of(const http::body& body) {
  if (body.bytes()) return std::string(body.text());
  if (!body.file()) return {};
  std::string text(body.size(), '\0');
  const auto got =
      ::pread(body.file()->fd(), text.data(), text.size(), static_cast<off_t>(body.offset()));
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

std::string_view passed_of(const http::response& of) {
  return {reinterpret_cast<const char*>(of.passed->data()), of.passed->size()};
}

struct seen {
  progress how = progress::open;
  std::uint16_t status = 0;
  std::string body, rest;
  bool keep_alive = false;

  bool operator==(const seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const seen& s) {
  return out << static_cast<int>(s.how) << ' ' << s.status << " '" << s.body << "' '" << s.rest
             << "' " << s.keep_alive;
}

/// Reads `text` in two pieces, the second one by a successor.
seen read(std::string_view text, std::size_t cut, bool ends, bool head_only = false) {
  answer_reader first(head_only, made_spool());
  auto piece = text.substr(0, cut);
  auto how = first.read(piece, limits);
  auto* tested = &first;
  answer_reader second(head_only, first.body());
  if (how == progress::open) {
    REQUIRE(piece.empty());
    REQUIRE(second.resume(first.where(), first.head(), limits));
    tested = &second;
    piece = text.substr(cut);
    how = second.read(piece, limits);
  } else {
    piece = text.substr(cut - piece.size());
  }
  if (how == progress::open && ends) how = tested->end();
  seen made{how, 0, {}, {}, false};
  if (how != progress::complete) return made;
  made.rest = piece;
  made.keep_alive = tested->keep_alive();
  const auto answer = tested->take();
  made.status = answer->status;
  made.body = text_of(answer->body);
  return made;
}

seen answer(std::uint16_t status, std::string body, bool keep_alive = true, std::string rest = {}) {
  return {progress::complete, status, std::move(body), std::move(rest), keep_alive};
}
const seen broken{progress::broken, 0, {}, {}, false};
const seen unfinished{progress::open, 0, {}, {}, false};

struct example {
  const char* what;
  std::string text;
  seen expected;
  bool ends = false;
  bool head_only = false;
};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string fifty(50, 'x');

const example examples[] = {
    {"a length", ok + "Content-Length: 3\r\n\r\nabc", answer(200, "abc")},
    {"no bytes", ok + "Content-Length: 0\r\n\r\n", answer(200, "")},
    {"the same length twice", ok + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
     answer(200, "abc")},
    {"something behind it", ok + "Content-Length: 3\r\n\r\nabcHTTP",
     answer(200, "abc", true, "HTTP")},
    {"chunks",
     ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
     answer(200, "abcde")},
    {"until the end", ok + "\r\nabc", answer(200, "abc", false), true},
    {"until the end, which does not come", ok + "\r\nabc", unfinished},
    {"nothing until the end", ok + "\r\n", answer(200, "", false), true},
    {"to be closed", ok + "Connection: close\r\nContent-Length: 1\r\n\r\na",
     answer(200, "a", false)},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", answer(200, "a", false)},
    {"1.0 that goes on", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na",
     answer(200, "a")},
    {"no reason", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", answer(404, "")},
    {"an empty reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", answer(404, "")},
    {"no content", "HTTP/1.1 204 No Content\r\n\r\n", answer(204, "")},
    {"not modified, with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
     answer(304, "")},
    {"the answer to HEAD", ok + "Content-Length: 9\r\n\r\n", answer(200, ""), false, true},
    {"the answer to HEAD in chunks", ok + "Transfer-Encoding: chunked\r\n\r\n", answer(200, ""),
     false, true},
    {"interim answers",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok +
         "Content-Length: 1\r\n\r\na",
     answer(200, "a")},
    {"another protocol", "HTTP/1.1 101 Switching Protocols\r\n\r\n", broken},
    {"garbage", "nothing at all\r\n\r\n", broken},
    {"another version", "HTTP/2.0 200 OK\r\n\r\n", broken},
    {"a status with letters", "HTTP/1.1 2x0 OK\r\n\r\n", broken},
    {"a small status", "HTTP/1.1 099 OK\r\n\r\n", broken},
    {"a field without a colon", ok + "nonsense\r\n\r\n", broken},
    {"a folded field", ok + "A: b\r\n c\r\n\r\n", broken},
    {"a blank in a name", ok + "A : b\r\n\r\n", broken},
    {"a line feed in a value", ok + "A: b\nSet-Cookie: c\r\n\r\n", broken},
    {"two lengths", ok + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", broken},
    {"two lengths in one", ok + "Content-Length: 3, 4\r\n\r\nabcd", broken},
    {"a length that is none", ok + "Content-Length: +3\r\n\r\nabc", broken},
    {"an empty length", ok + "Content-Length:\r\n\r\n", broken},
    {"a length and chunks", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     broken},
    {"another encoding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", broken},
    {"chunks in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", broken},
    {"a chunk size that is none", ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n", broken},
    {"a length beyond the limit", ok + "Content-Length: 101\r\n\r\n", broken},
    {"chunks beyond the limit", ok + "Transfer-Encoding: chunked\r\n\r\n65\r\n", broken},
    {"more than the limit until the end", ok + "\r\n" + fifty + fifty + "x", broken},
    {"a head beyond the limit", ok + "A: " + std::string(1000, 'a') + "\r\n\r\n", broken},
    {"an end in the head", ok + "A: b", broken, true},
    {"an end in the body", ok + "Content-Length: 3\r\n\r\nab", broken, true},
    {"an end in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nab", broken, true},
};

} // namespace

TEST_CASE("an answer is understood or refused the same, wherever it is cut and handed over") {
  for (const auto& one : examples) {
    CAPTURE(one.what);
    for (std::size_t cut = 0; cut <= one.text.size(); ++cut) {
      CAPTURE(cut);
      CHECK(read(one.text, cut, one.ends, one.head_only) == one.expected);
    }
  }
}

TEST_CASE("a long body goes into a file, whole") {
  std::string whole(90, 'a');
  for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<char>('a' + i % 26);
  answer_reader tested(false, made_spool(40));
  const auto all = ok + "Content-Length: 90\r\n\r\n" + whole;
  for (const char& c : all) {
    std::string_view text(&c, 1);
    const auto how = tested.read(text, limits);
    CHECK(how == (&c == &all.back() ? progress::complete : progress::open));
  }
  const auto made = tested.take();
  CHECK(made->body.file());
  CHECK(made->body.size() == 90);
  CHECK(text_of(made->body) == whole);
}

TEST_CASE("a folder that takes no file is told") {
  answer_reader tested(false, make_payload<spool>(2, "/proc/no/such/folder"));
  const auto all = ok + "Content-Length: 3\r\n\r\nabc";
  std::string_view text = all;
  CHECK(tested.read(text, limits) == progress::no_space);
}

TEST_CASE("what concerns only the upstream connection is not passed on") {
  answer_reader tested(false, made_spool());
  const auto all = ok + "Date: then\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, X-Mine\r\n"
                        "X-Mine: 1\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\nTrailer: T\r\n"
                        "Via: 1.1 other\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: v\r\n\r\n";
  std::string_view text = all;
  REQUIRE(tested.read(text, limits) == progress::complete);
  CHECK(passed_of(*tested.take()) == "OK\r\nDate: then\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n"
                                     "Via: 1.1 other, 1.1 instar\r\nContent-Length: 1\r\n");
}

TEST_CASE("an answer without a date gets one, and one to HEAD keeps its length") {
  answer_reader tested(true, made_spool());
  const auto all = ok + "Content-Length: 77\r\n\r\n";
  std::string_view text = all;
  REQUIRE(tested.read(text, limits) == progress::complete);
  const auto made = tested.take();
  CHECK(passed_of(*made).find("\r\nDate: ") != std::string_view::npos);
  CHECK(passed_of(*made).ends_with("\r\nContent-Length: 77\r\n"));
}

// -- requests -----------------------------------------------------------------------------------

namespace {

std::string passed_on(std::string_view head, std::string_view body = {},
                      const pass_options& options = {}) {
  const auto parsed = http::parse_head(head, {}, true);
  REQUIRE(parsed.line.refused == 0);
  return upstream_head(
      *http::request::make({}, parsed.line, parsed.target, parsed.fields.all(), head,
                           body.empty() ? nullptr
                                        : net::buffer::copy(std::as_bytes(std::span(body)))),
      "1.2.3.4:5678", options);
}

} // namespace

TEST_CASE("a request goes upstream without what concerns only the client's connection") {
  CHECK(passed_on("GET /a?b HTTP/1.1\r\nHost: h\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n"
                  "Keep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Authorization: secret\r\n"
                  "Cookie: c\r\nAuthorization: yes\r\n\r\n") ==
        "GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: c\r\nAuthorization: yes\r\nVia: 1.1 instar\r\n"
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n");
}

TEST_CASE(
    "who was asked on the way is added to, and what only the next one can know is told anew") {
  CHECK(passed_on("HEAD / HTTP/1.1\r\nVia: 1.0 a\r\nHost: h\r\nX-Forwarded-For: 9.9.9.9\r\n"
                  "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\r\n") ==
        "HEAD / HTTP/1.1\r\nHost: h\r\nVia: 1.0 a, 1.1 instar\r\n"
        "X-Forwarded-For: 9.9.9.9, 1.2.3.4\r\nX-Forwarded-Proto: http\r\n"
        "X-Forwarded-Host: h\r\n\r\n");
  CHECK(passed_on("GET / HTTP/1.0\r\n\r\n", {}, {"other", false}) ==
        "GET / HTTP/1.1\r\nHost: other\r\nVia: 1.0 instar\r\n\r\n");
}

TEST_CASE("a body goes upstream with its length, however it came") {
  const pass_options plain{{}, false};
  CHECK(passed_on("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  "abc", plain) ==
        "POST /a HTTP/1.1\r\nHost: h\r\nVia: 1.1 instar\r\nContent-Length: 3\r\n\r\n");
  CHECK(passed_on("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", {}, plain) ==
        "PUT /a HTTP/1.1\r\nHost: h\r\nVia: 1.1 instar\r\nContent-Length: 0\r\n\r\n");
  CHECK(passed_on("BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n", {}, plain) ==
        "BREW /pot HTTP/1.1\r\nHost: h\r\nVia: 1.1 instar\r\n\r\n");
}

TEST_CASE("without its whole head a request cannot be passed on") {
  CHECK(upstream_head(*http::request::make({}, {}, "/a"), "1.2.3.4:5", {}).empty());
}

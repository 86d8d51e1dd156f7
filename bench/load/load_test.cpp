#include "response.hpp"
#include "targets.hpp"
#include "timeline.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <random>
#include <sstream>

using namespace instar::load;

namespace {

/// Feeds `bytes` in pieces of `step`; returns how much was taken.
std::size_t feed(response_reader& to, std::string_view bytes, std::size_t step) {
  std::size_t used = 0;
  while (used < bytes.size() && !to.complete()) used += to.feed(bytes.substr(used, step));
  return used;
}

outcome result_of(std::string_view bytes, expectation expected = {}) {
  response_reader reader;
  reader.reset(expected);
  feed(reader, bytes, bytes.size());
  REQUIRE(reader.complete());
  return reader.result();
}

request_record answered(std::int64_t due, std::int64_t done) {
  return {due, due, done, 0, {}, {}, 0};
}

constexpr std::int64_t ms = 1'000'000;

} // namespace

TEST_CASE("an answer is understood however it is cut into pieces") {
  const std::string answer = "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH: 5\r\n\r\nhello";
  for (std::size_t step = 1; step <= answer.size(); ++step) {
    response_reader reader;
    reader.reset({"hello"});
    CHECK(feed(reader, answer, step) == answer.size());
    CHECK(reader.complete());
    CHECK(reader.result() == outcome::ok);
    CHECK_FALSE(reader.must_close());
  }
}

TEST_CASE("what follows an answer is not taken") {
  response_reader reader;
  reader.reset({});
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  CHECK(reader.feed(answer + "HTTP/1.1") == answer.size());
  CHECK(reader.complete());
}

TEST_CASE("a wrong answer is a failure of its kind") {
  CHECK(result_of("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nab", {"ab"}) == outcome::status);
  CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", {"ab"}) == outcome::length);
  CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nax", {"ab"}) == outcome::content);
  CHECK(result_of("HTTP/1.1 200 OK\r\n\r\n") == outcome::malformed);
  CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n") == outcome::malformed);
  CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n") == outcome::malformed);
  CHECK(result_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n") ==
        outcome::malformed);
  CHECK(result_of("HTTP/1.1\r\n\r\n") == outcome::malformed);
  CHECK(result_of("SSH-2.0-OpenSSH\r\n\r\n") == outcome::malformed);
  CHECK(result_of(std::string(64 * 1024, 'x')) == outcome::malformed);
}

TEST_CASE("a truncated answer is not complete") {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size = 0; size < answer.size(); ++size) {
    response_reader reader;
    reader.reset({"hello"});
    feed(reader, std::string_view(answer).substr(0, size), 7);
    CHECK_FALSE(reader.complete());
  }
}

TEST_CASE("random bytes never take the reader out of its bounds") {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes = round % 2 ? "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" : "";
    for (int i = 0; i < 200; ++i) bytes += "\r\n: HTP/1.\0\xff"[random() % 12];
    bytes[random() % bytes.size()] = static_cast<char>(random());
    response_reader reader;
    reader.reset({"expected body"});
    CHECK(feed(reader, bytes, 1 + random() % 50) <= bytes.size());
  }
}

TEST_CASE("a connection that the server will close must be closed") {
  response_reader reader;
  reader.reset({});
  reader.feed("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n");
  CHECK(reader.complete());
  CHECK(reader.result() == outcome::ok);
  CHECK(reader.must_close());
}

TEST_CASE("latency counts from the time a request was due") {
  request_record late{0, 90 * ms, 100 * ms, 0, outcome::ok, {}, 0};
  CHECK(cut({late}, {{"all", 0, 200 * ms}}).max_ms == doctest::Approx(100));
}

TEST_CASE("a request that spans the end of a window is in it, but not in its rate") {
  const std::vector<request_record> all = {answered(0, 10 * ms), answered(90 * ms, 150 * ms)};
  const auto inside = cut(all, {{"first", 0, 100 * ms}});
  CHECK(inside.max_ms == doctest::Approx(60));
  CHECK(inside.requests == 1);
  CHECK(inside.per_second() == doctest::Approx(10));
}

TEST_CASE("a stall at the edge of a window counts") {
  const auto quiet = cut({answered(0, 10 * ms)}, {{"w", 0, 100 * ms}});
  CHECK(quiet.longest_stall_ms == doctest::Approx(90));
}

TEST_CASE("windows of one name count together") {
  const std::vector<request_record> all = {answered(10 * ms, 11 * ms), answered(50 * ms, 55 * ms),
                                           answered(90 * ms, 92 * ms)};
  const auto both = cut(all, {{"w", 0, 20 * ms}, {"w", 80 * ms, 100 * ms}});
  CHECK(both.requests == 2);
  CHECK(both.seconds == doctest::Approx(0.04));
  CHECK(both.max_ms == doctest::Approx(2));
}

TEST_CASE("failures are counted by kind and have no latency") {
  auto lost = answered(0, 50 * ms);
  lost.end = outcome::reset;
  lost.reopened = reopening::failure;
  const auto of = cut({answered(0, ms), lost}, {{"w", 0, 100 * ms}});
  CHECK(of.failed == 1);
  CHECK(of.failed_by_kind.at("reset") == 1);
  CHECK(of.reopened == 1);
  CHECK(of.reopened_by_kind.at("failure") == 1);
  CHECK(of.max_ms == doctest::Approx(1));
}

TEST_CASE("a timeline is read as it was written, and a damaged one is refused") {
  const auto file = std::filesystem::temp_directory_path() /
                    ("instar-timeline-" + std::to_string(monotonic_ns()));
  auto lost = answered(1, 2);
  lost.end = outcome::closed;
  lost.client = 7;
  lost.reopened = reopening::announced;
  lost.group = 3;
  {
    std::ofstream to(file);
    write_csv(to, {answered(5, 9), lost});
  }
  const auto read = read_csv(file);
  REQUIRE(read.size() == 2);
  CHECK(read[0].done == 9);
  CHECK(read[1].end == outcome::closed);
  CHECK(read[1].client == 7);
  CHECK(read[1].reopened == reopening::announced);
  CHECK(read[1].group == 3);
  CHECK(of_group(read, 3).size() == 1);
  std::ofstream(file, std::ios::app) << "1,2,3,4,surely,no,0\n";
  CHECK_THROWS_AS(read_csv(file), std::runtime_error);
  std::filesystem::remove(file);
  CHECK_THROWS_AS(read_csv(file), std::runtime_error);
}

TEST_CASE("a slice tells of the requests that ended in it, also that there were none") {
  auto lost = answered(210 * ms, 290 * ms);
  lost.end = outcome::closed;
  const auto slices = cut_slices(
      {answered(90 * ms, 110 * ms), answered(0, 150 * ms), lost, answered(290 * ms, 310 * ms)}, 0,
      350 * ms, 100 * ms);
  REQUIRE(slices.size() == 3); // the last one is not whole
  CHECK(slices[0].per_second == 0);
  CHECK(slices[0].max_ms == 0);
  CHECK(slices[1].per_second == doctest::Approx(20));
  CHECK(slices[1].max_ms == doctest::Approx(150));
  CHECK(slices[1].second == doctest::Approx(0.15));
  CHECK(slices[2].failed == 1);
  CHECK(slices[2].max_ms == 0);
}

TEST_CASE("windows of one name are put together, and a line that is none is refused") {
  std::istringstream good("b 1 2\na 2 3\n\nb 5 9\n");
  const auto read = read_windows(good);
  REQUIRE(read.size() == 2);
  CHECK(read[0].first == "b");
  CHECK(read[0].second.size() == 2);
  for (auto bad : {"a 1", "a 2 2", "a x 3", "a 3 2"}) {
    std::istringstream from(bad);
    CHECK_THROWS_AS(read_windows(from), std::runtime_error);
  }
}

TEST_CASE("a URL names address, port and path, or is refused") {
  CHECK(parse_url("http://127.0.0.1:8080/a/{5}.html").path == "/a/{5}.html");
  CHECK(parse_url("http://localhost").path == "/");
  for (auto bad : {"", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:/", "http://127.0.0.1:0/",
                   "http://127.0.0.1:99999/", "http://example.org/", "http://127.0.0.1:80x/"})
    CHECK_THROWS_AS(parse_url(bad), std::runtime_error);
}

TEST_CASE("a pattern becomes a path") {
  CHECK(expand("/{}.html", 42) == "/42.html");
  CHECK(expand("/{5}.html", 42) == "/00042.html");
  CHECK(expand("/plain", 42) == "/plain");
  CHECK(expand("/}{", 42) == "/}{");
}

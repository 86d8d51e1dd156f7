// Clients that mean harm, or know no better, against the whole service: each gets its end, nobody
// else notices, and nothing of them stays.
#include "services/site.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

std::size_t descriptors() {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

/// Reads to the end; blocks.
std::string all(const client& from) {
  std::string text;
  char block[4096];
  for (ssize_t n; (n = ::recv(from.fd(), block, sizeof block, 0)) > 0;)
    text.append(block, static_cast<std::size_t>(n));
  return text;
}

/// Ends the connection by a reset.
void reset(client& of) {
  const linger now{1, 0};
  ::setsockopt(of.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  of.close();
}

/// The service after it: as before, and answering.
struct fixture {
  site s{{.accept = {},
          .read = ", linger_timeout = '1s'",
          .parse = ", head_timeout = '1s', body_timeout = '1s'",
          .load = {},
          .reply = ", write_timeout = '1s'"}};
  client bystander = s.dial();
  std::size_t before = (check_bystander(), descriptors());

  ~fixture() {
    check_bystander();
    const auto as_before = [&] { return s.connections() == 1 && descriptors() == before; };
    for (int tries = 0; tries < 2000 && !as_before(); ++tries) std::this_thread::sleep_for(10ms);
    CHECK(s.connections() == 1);
    CHECK(descriptors() == before);
  }
  void check_bystander() {
    bystander.send(get("/small"));
    std::string ahead;
    CHECK(body_of(receive(bystander, ahead)) == pattern(2'000));
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "who sends a head without end is told so and broken off") {
  std::vector<client> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(s.dial());
    slow.back().send("GET / HTTP/1.1\r\nHo");
  }
  // One byte now and then changes nothing: the time counts from the first.
  std::atomic<bool> done = false;
  std::thread dripping([&] {
    while (!done) {
      for (const auto& one : slow) ::send(one.fd(), "o", 1, MSG_NOSIGNAL);
      std::this_thread::sleep_for(50ms);
    }
  });
  for (const auto& one : slow) {
    std::string ahead;
    CHECK(status_of(receive(one, ahead)) == 408);
  }
  done = true;
  dripping.join();
}

TEST_CASE_FIXTURE(fixture, "who never ends sending is broken off at last") {
  const auto one = s.dial();
  one.send("garbage\r\n\r\n");
  std::string ahead;
  CHECK(status_of(receive(one, ahead)) == 400);
  while (::send(one.fd(), "x", 1, MSG_NOSIGNAL) == 1) std::this_thread::sleep_for(10ms);
}

TEST_CASE_FIXTURE(fixture, "who sends a body without end is told so and broken off") {
  for (const auto* body :
       {"Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "Transfer-Encoding: chunked\r\n\r\n1;"}) {
    const auto one = s.dial();
    one.send(std::string("GET / HTTP/1.1\r\nHost: h\r\n") + body);
    CHECK(status_of(all(one)) == 408);
  }
}

TEST_CASE_FIXTURE(fixture, "who waits for leave to send a body gets it, and then the answer") {
  const auto one = s.dial();
  one.send(get("/small", "Expect: 100-continue\r\nContent-Length: 3\r\n"));
  std::string ahead;
  char block[25];
  CHECK(::recv(one.fd(), block, sizeof block, MSG_WAITALL) == 25);
  CHECK(std::string(block, 25) == "HTTP/1.1 100 Continue\r\n\r\n");
  one.send("abc");
  CHECK(body_of(receive(one, ahead)) == pattern(2'000));
}

TEST_CASE_FIXTURE(fixture, "who does not read its answer is broken off") {
  std::vector<client> stuck;
  for (int i = 0; i < 10; ++i) {
    stuck.push_back(s.dial(4096));
    stuck.back().send(get("/large") + get("/large"));
  }
  for (int tries = 0; tries < 2000 && s.connections() > 1; ++tries)
    std::this_thread::sleep_for(10ms);
  CHECK(s.connections() == 1);
}

TEST_CASE_FIXTURE(fixture, "who has sent its last is still answered") {
  for (const auto* text : {"/small", "/large"}) {
    const auto one = s.dial();
    one.send(get(text) + get("/small"));
    one.end();
    std::string ahead;
    CHECK(status_of(receive(one, ahead)) == 200);
    CHECK(body_of(receive(one, ahead)) == pattern(2'000));
    CHECK(all(one).empty());
  }
  const auto half = s.dial();
  half.send(get("/small") + "GET /half HT");
  half.end();
  std::string ahead;
  CHECK(status_of(receive(half, ahead)) == 200);
  CHECK(all(half).empty());
}

TEST_CASE_FIXTURE(fixture, "who breaks off in any phase leaves nothing behind") {
  const std::string phases[] = {
      "",
      "GET",
      "GET / HTTP/1.1\r\nHost: h\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
      "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n",
      get("/small"),
      get("/large"),
      get("/large") + get("/large") + get("/small"),
      get("/small", "Connection: close\r\n") + get("/small"),
      "garbage\r\n\r\n"};
  for (int round = 0; round < 20; ++round)
    for (const auto& phase : phases) {
      auto one = s.dial(4096), other = s.dial(4096);
      one.send(phase);
      other.send(phase);
      if (round % 2 == 1) {
        char some[100];
        if (!phase.empty() && phase.starts_with("GET /large"))
          ::recv(one.fd(), some, sizeof some, 0);
      }
      reset(one);
      other.close();
    }
}

TEST_CASE_FIXTURE(
    fixture, "garbage among pipelined requests ends the connection, after the answers before") {
  const std::string garbage[] = {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
                                 std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28)};
  for (const auto& text : garbage)
    for (int before = 0; before < 3; ++before) {
      const auto one = s.dial();
      std::string asked;
      for (int i = 0; i < before; ++i) asked += get("/small");
      one.send(asked + text + get("/small") + get("/large"));
      std::string ahead;
      for (int i = 0; i < before; ++i) CHECK(body_of(receive(one, ahead)) == pattern(2'000));
      CHECK(status_of(receive(one, ahead)) == 400);
      CHECK(receive(one, ahead).empty());
    }
}

TEST_CASE_FIXTURE(fixture, "what is larger than anything is refused without being kept") {
  const auto refused = [&](const std::string& head, char filler) {
    const auto one = s.dial();
    const std::string block(64 * 1024, filler);
    ::send(one.fd(), head.data(), head.size(), MSG_NOSIGNAL);
    // The service reads and forgets what comes after its answer.
    for (int i = 0; i < 16; ++i)
      if (::send(one.fd(), block.data(), block.size(), MSG_NOSIGNAL) < 0) break;
    one.end();
    return status_of(all(one));
  };
  CHECK(refused("GET /", 'a') == 414);
  CHECK(refused("", 'A') == 414);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nX: ", 'a') == 431);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1048576\r\n\r\n", 'a') == 413);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n", 'a') ==
        413);
  CHECK(refused("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;", 'a') == 400);
}

TEST_CASE_FIXTURE(fixture, "random requests, whole, cut and damaged, get an answer or an end") {
  std::mt19937 random(17);
  const std::string seeds[] = {
      get("/small"), get("/large", "Range: bytes=1-2,5-9,-3\r\n"),
      get("/small", "If-None-Match: \"x\", W/\"y\"\r\nAccept-Encoding: gzip;q=0.5\r\n"),
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"};
  for (int i = 0; i < 400; ++i) {
    std::string text;
    for (unsigned n = random() % 4 + 1; n > 0; --n) text += seeds[random() % std::size(seeds)];
    for (unsigned n = random() % 6; n > 0; --n)
      text[random() % text.size()] = static_cast<char>(random());
    const auto one = s.dial();
    try {
      while (!text.empty()) {
        const auto n = std::min<std::size_t>(random() % 100 + 1, text.size());
        one.send(text.substr(0, n));
        text.erase(0, n);
      }
    } catch (const std::runtime_error&) { // refused meanwhile
    }
    one.end();
    const auto answer = all(one);
    if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) FAIL_CHECK(answer.substr(0, 100));
  }
}

TEST_CASE_FIXTURE(fixture, "hostile clients notice no update, and no update waits for them") {
  std::vector<client> slow;
  for (int i = 0; i < 20; ++i) {
    slow.push_back(s.dial(4096));
    slow.back().send(i % 2 == 0 ? "GET /half" : get("/large"));
  }
  for (std::uint32_t i = 0; i < 10; ++i) {
    const auto done = s.replace_all(i % 2 + 1, static_cast<int>(i % 3) + 1);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
}

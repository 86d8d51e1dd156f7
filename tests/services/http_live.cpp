#include "services/site.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// Clients on one connection each that ask for the small file, three requests at a time.
class small_load {
public:
  explicit small_load(const site& of) {
    for (int i = 0; i < 4; ++i) clients_.emplace_back([this, &of] { run(of); });
  }
  void finish() {
    stop_ = true;
    for (auto& c : clients_) c.join();
  }

  std::atomic<int> answered = 0, wrong = 0;

private:
  void run(const site& of) {
    const auto small = pattern(2'000);
    const auto one = of.dial(); // once: established connections survive
    std::string ahead;
    while (!stop_) {
      one.send(get("/small") + get("/small") + get("/small"));
      for (int n = 0; n < 3; ++n) {
        if (body_of(receive(one, ahead)) != small) ++wrong;
        ++answered;
      }
    }
  }

  std::atomic<bool> stop_ = false;
  std::vector<std::thread> clients_;
};

std::string ask(const site& at, const std::string& request) {
  const auto one = at.dial();
  one.send(request);
  std::string ahead;
  return receive(one, ahead);
}

} // namespace

TEST_CASE("every request is answered with the right bytes while versions change under load") {
  site s;
  small_load clients(s);
  for (std::uint32_t i = 0; i < 60; ++i) {
    const auto done = s.switch_to(i % 2 == 0 ? 2 : 1);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  for (const auto* op : {"net.read", "net.accept", "http.parse", "http.compose"}) {
    const auto name = std::string(op).substr(std::string(op).find('.') + 1);
    CHECK(s.update({{name, op, 1}}).outcome == transition_outcome::unchanged);
  }
  clients.finish();
  CHECK(clients.answered > 100);
  CHECK(clients.wrong == 0);
}

TEST_CASE("a cache is put in, updated, taken out and brought back while requests flow") {
  site s;
  small_load clients(s);
  const auto settle = [&] {
    const int seen = clients.answered;
    while (clients.answered < seen + 50) std::this_thread::sleep_for(1ms);
  };
  const auto check = [&](const history_entry& done) {
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    settle();
  };
  for (int round = 0; round < 10; ++round) {
    check(s.with_cache());
    check(s.update({{"cache", "http.cache", 2}}));
    check(s.update({{"cache", "http.cache", 1}, {"load", "http.load", 1}}));
    check(s.without_cache());
    check(s.roll_back());
    check(s.roll_back());
  }
  clients.finish();
  CHECK(clients.wrong == 0);
}

TEST_CASE("an access log is put in, updated and taken out, and has a line for each answer") {
  site s;
  const auto file = (s.folder() / "access.log").string();
  const auto lines = [&] {
    std::ifstream text(file);
    return std::count(std::istreambuf_iterator<char>(text), std::istreambuf_iterator<char>(), '\n');
  };
  CHECK(s.with_log().outcome == transition_outcome::committed);
  const auto one = s.dial();
  std::string ahead;
  for (int i = 0; i < 20; ++i) {
    one.send(get("/small", "User-Agent: test\r\n"));
    receive(one, ahead);
  }
  CHECK(s.without_cache().outcome == transition_outcome::committed);
  CHECK(lines() == 20);
  one.send(get("/small"));
  receive(one, ahead);
  CHECK(lines() == 20);
  std::ifstream text(file);
  std::string line;
  std::getline(text, line);
  CHECK(line.starts_with("127.0.0.1 - - ["));
  CHECK(line.ends_with("\"GET /small HTTP/1.1\" 200 2000 \"-\" \"test\""));
  fs::remove(file);
}

TEST_CASE("a response that is half written is finished by whatever version comes") {
  site s;
  CHECK(s.switch_to(2).outcome == transition_outcome::committed);
  const auto one = s.dial(16 * 1024);
  one.send(get("/large") + get("/small"));
  std::string seen, block(200'000, '\0');
  std::uint32_t version = 2;
  const auto large = pattern(20'000'000), small = pattern(2'000);
  int switches = 0;
  while (seen.size() < large.size() + small.size()) {
    const auto n = ::recv(one.fd(), block.data(), block.size(), 0);
    REQUIRE(n > 0);
    seen.append(block, 0, static_cast<std::size_t>(n));
    if (seen.size() / 1'000'000 > static_cast<std::size_t>(switches)) {
      ++switches;
      version = 3 - version;
      const auto done = s.switch_to(version);
      CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    }
  }
  CHECK(switches >= 10);
  const auto first = body_of(seen);
  CHECK(first.compare(0, large.size(), large) == 0);
  std::string rest = first.substr(large.size());
  CHECK(body_of(receive(one, rest)) == small);
}

TEST_CASE("a request that arrives byte by byte outlives the versions that began it") {
  site s;
  const auto one = s.dial();
  std::uint32_t version = 1;
  for (const char c : get("/small")) {
    one.send({&c, 1});
    version = 3 - version;
    const auto done = s.replace_all(version, static_cast<int>(version));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  std::string ahead;
  CHECK(body_of(receive(one, ahead)) == pattern(2'000));
}

TEST_CASE("one half of the switch is refused and nothing changes") {
  site s;
  const auto done = s.update({{"load", "http.load", 2}});
  CHECK(done.outcome == transition_outcome::refused);
  CHECK(done.reason.find("reply") != std::string::npos);
  CHECK(done.reason.find("http.response.file") != std::string::npos);
  CHECK(status_of(ask(s, get("/small"))) == 200);
}

TEST_CASE("hostile requests get their status and harm nobody else") {
  site s;
  const auto bystander = s.dial();
  for (const std::uint32_t version : {1u, 2u}) {
    if (version == 2) CHECK(s.switch_to(2).outcome == transition_outcome::committed);
    CHECK(status_of(ask(s, get("/../../etc/passwd"))) == 400);
    CHECK(status_of(ask(s, get("/%2e%2e/%2e%2e/etc/passwd"))) == 400);
    CHECK(status_of(ask(s, get("/nothing"))) == 404);
    CHECK(status_of(ask(s, "\x16\x03\x01 garbage\r\n\r\n")) == 400);
    CHECK(status_of(ask(s, "GET / HTTP/9.9\r\n\r\n")) == 505);
    CHECK(status_of(ask(s, "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n")) == 501);
    CHECK(status_of(ask(s, get("/" + std::string(5000, 'x')))) == 414);
    CHECK(status_of(ask(s, get("/", ("X: " + std::string(20000, 'x') + "\r\n").c_str()))) == 431);
    { // goes away in the middle of everything
      const auto rude = s.dial();
      rude.send(get("/large") + get("/large") + "GET /half");
    }
    bystander.send(get("/small"));
    std::string ahead;
    CHECK(body_of(receive(bystander, ahead)) == pattern(2'000));
  }
}

TEST_CASE("a service that stops finishes what is open and takes nothing new") {
  site s;
  const auto idle = s.dial(), busy = s.dial(16 * 1024);
  busy.send(get("/large"));
  std::string seen, ahead, block(100'000, '\0');
  const auto read_some = [&] {
    const auto n = ::recv(busy.fd(), block.data(), block.size(), 0);
    if (n > 0) seen.append(block, 0, static_cast<std::size_t>(n));
    return n > 0;
  };
  REQUIRE(read_some());
  auto stopped = s.stop();
  CHECK(stopped.wait_for(50ms) == std::future_status::timeout);
  while (read_some()) {
  }
  CHECK(body_of(seen) == pattern(20'000'000));
  const auto outcome = stopped.get();
  CHECK_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
  CHECK(receive(idle, ahead).empty());
  CHECK_THROWS(s.dial());
}

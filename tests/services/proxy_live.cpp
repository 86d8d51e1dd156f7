// The reverse proxy in the service that users run, in front of servers that do what they should
// not.
#include "services/fake_context.hpp"
#include "services/proxy_parts.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using step = proxied_site::step;

namespace {

std::string at(const upstream& server) { return "127.0.0.1:" + std::to_string(server.port()); }

/// The same for everybody: `page` has the name of what it is, and a size of its own.
std::string page(const std::string& target) {
  return pattern(1000 + std::hash<std::string>()(target) % 50'000) + target;
}

bool serve_pages(int fd, const upstream::asked& one) {
  return write_text(fd, answer_text(page(one.target())));
}

std::string ask(const client& on, const std::string& request) {
  std::string ahead;
  on.send(request);
  return receive(on, ahead);
}

std::size_t descriptors() {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

void check(const history_entry& done) {
  CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
}

/// Clients on one connection each that ask for what is here and what is upstream, several at a
/// time.
class mixed_load {
public:
  explicit mixed_load(const proxied_site& of) {
    for (int i = 0; i < 4; ++i) clients_.emplace_back([this, &of] { run(of); });
  }
  void finish() {
    stop_ = true;
    for (auto& c : clients_) c.join();
  }
  /// The first answers that were none, or not the right ones: how they begin.
  std::string what_was_wrong() const {
    std::lock_guard lock(guard_);
    return wrong_answers_;
  }
  /// Until so many more were answered.
  void settle(int count = 60) const {
    const int seen = answered;
    while (answered < seen + count) std::this_thread::sleep_for(1ms);
  }

  std::atomic<int> answered = 0;

private:
  void run(const proxied_site& of) {
    const std::vector<std::string> targets = {"/up/a", "/b", "/b", "/up/b", "/a", "/up/a"};
    std::vector<std::string> pages;
    for (const auto& t : targets) pages.push_back(page(t));
    const auto one = of.dial(); // once: established connections survive
    std::string ahead;
    while (!stop_) {
      std::string all;
      for (const auto& t : targets) all += get(t);
      one.send(all);
      for (const auto& p : pages) {
        const auto got = receive(one, ahead);
        if (got.empty()) return note("the connection ended");
        if (body_of(got) != p) note(got.substr(0, got.find("\r\n\r\n")));
        ++answered;
      }
    }
  }

  void note(const std::string& what) {
    std::lock_guard lock(guard_);
    if (wrong_answers_.size() < 2000) wrong_answers_ += what + "\n";
  }

  std::atomic<bool> stop_ = false;
  mutable std::mutex guard_;
  std::string wrong_answers_;
  std::vector<std::thread> clients_; // the last, so that what they use is there
};

void write_pages(const proxied_site& s) {
  for (const auto* target : {"/a", "/b", "/up/a", "/up/b"})
    s.write(std::string(target).substr(1), page(target));
}

} // namespace

TEST_CASE("the service grows by a cache and a proxy, and shrinks again, while requests flow") {
  upstream server(serve_pages);
  proxied_site s({.upstream = at(server)});
  write_pages(s);
  mixed_load clients(s);
  for (int round = 0; round < 5; ++round) {
    check(s.apply(step::cached));
    clients.settle();
    check(s.apply(step::proxied));
    const int before = server.requests;
    clients.settle();
    CHECK(eventually([&] { return server.requests > before; })); // the cache may serve it first
    // Each of the five by itself, then all at once.
    proxied_site::options with{.upstream = at(server)};
    for (auto* more : {&with.cond, &with.join, &with.send, &with.receive, &with.merge}) {
      *more = more == &with.cond      ? ", suffixes = 'a b'"
              : more == &with.join    ? ", timeout = '61s'"
              : more == &with.send    ? ", connections = 2"
              : more == &with.receive ? ", memory = '2KiB'"
                                      : ", max_early = '17MiB'";
      check(s.apply(step::proxied, with));
      clients.settle();
    }
    check(s.apply(step::proxied));
    clients.settle();
    if (round % 2 == 0) { // by the same way, or at once
      check(s.apply(step::cached));
      clients.settle();
    }
    check(s.apply(step::plain));
    clients.settle();
  }
  clients.finish();
  CHECK(clients.what_was_wrong() == "");
}

TEST_CASE("an answer that comes byte by byte outlives the versions that began it") {
  std::atomic<int> allowed = 0;
  const std::string body = pattern(64);
  upstream server([&](int fd, const upstream::asked&) {
    const auto text = answer_text(body);
    for (std::size_t i = 0; i < text.size(); ++i) {
      while (allowed <= static_cast<int>(i)) std::this_thread::sleep_for(1ms);
      if (!write_text(fd, text.substr(i, 1))) return false;
    }
    return true;
  });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  one.send(get("/up/slow") + get("/a"));
  const auto size = static_cast<int>(answer_text(body).size());
  proxied_site::options with{.upstream = at(server)};
  while (allowed < size) {
    allowed = allowed + 5;
    const auto number = std::to_string(allowed);
    with.cond = ", larger_than = " + number;
    with.join = ", timeout = '" + number + "min'";
    with.send = ", max_waiting = " + number;
    with.receive = ", max_head = '" + number + "KiB'";
    with.merge = ", max_early = '" + number + "MiB'";
    check(s.apply(step::proxied, with));
  }
  std::string ahead;
  CHECK(body_of(receive(one, ahead)) == body);
  CHECK(status_of(receive(one, ahead)) == 404); // in its turn
}

TEST_CASE("who removes the proxy waits for what is asked, and that is answered") {
  std::atomic<bool> go_on = false;
  upstream server([&](int fd, const upstream::asked& one) {
    while (!go_on) std::this_thread::sleep_for(1ms);
    return serve_pages(fd, one);
  });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::cached));
  check(s.apply(step::proxied));
  const auto one = s.dial();
  one.send(get("/up/a") + get("/up/b"));
  while (server.requests < 1) std::this_thread::sleep_for(1ms);
  auto removed = std::async(std::launch::async, [&] { return s.apply(step::cached); });
  CHECK(removed.wait_for(100ms) == std::future_status::timeout);
  go_on = true;
  check(removed.get());
  std::string ahead;
  CHECK(body_of(receive(one, ahead)) == page("/up/a"));
  CHECK(body_of(receive(one, ahead)) == page("/up/b"));
  CHECK(status_of(ask(one, get("/up/a"))) == 404);
}

TEST_CASE("while a server says nothing the proxy stays, and serves others") {
  std::atomic<bool> go_on = false;
  upstream server([&](int fd, const upstream::asked& one) {
    while (one.target() == "/up/a" && !go_on) std::this_thread::sleep_for(1ms);
    return serve_pages(fd, one);
  });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::proxied));
  const auto one = s.dial(), other = s.dial();
  one.send(get("/up/a"));
  while (server.requests < 1) std::this_thread::sleep_for(1ms);
  const auto done = s.apply(step::plain, {.upstream = at(server)}, 300ms);
  CHECK(done.outcome != transition_outcome::committed);
  CAPTURE(done.reason);
  CHECK(done.reason.find("request") != std::string::npos);
  CHECK(body_of(ask(other, get("/up/b"))) == page("/up/b"));
  go_on = true;
  std::string ahead;
  CHECK(body_of(receive(one, ahead)) == page("/up/a"));
  check(s.apply(step::plain));
}

TEST_CASE("what an upstream server gets, and what its answer becomes") {
  upstream server([](int fd, const upstream::asked& one) {
    if (one.head.starts_with("HEAD"))
      return write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    if (one.target() == "/up/none") return write_text(fd, "HTTP/1.1 204 Nothing\r\n\r\n");
    if (one.target() == "/up/chunks")
      return write_text(fd, "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
                            "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    if (one.target() == "/up/end") return write_text(fd, "HTTP/1.0 200 OK\r\n\r\nabc"), false;
    return write_text(fd, answer_text(one.head + one.body, "Keep-Alive: x\r\n"));
  });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  const auto echo = ask(one, "POST /up/echo?x=1 HTTP/1.1\r\nHost: h:1\r\nConnection: X-B\r\n"
                             "X-B: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  CHECK(body_of(echo) == "POST /up/echo?x=1 HTTP/1.1\r\nHost: h:1\r\nVia: 1.1 instar\r\n"
                         "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
                         "X-Forwarded-Host: h:1\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(echo.find("Keep-Alive") == std::string::npos);
  const std::string large = pattern(900'000);
  const auto back = ask(one, "PUT /up/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                             "Content-Length: 900000\r\n\r\n" +
                                 large);
  CHECK(back.size() > large.size());
  CHECK(back.ends_with(large));
  const auto chunks = ask(one, get("/up/chunks"));
  CHECK(chunks.starts_with("HTTP/1.1 201 Made\r\nX-A: b\r\nVia: 1.1 instar\r\nDate: "));
  CHECK(chunks.ends_with("\r\nContent-Length: 5\r\n\r\nabcde"));
  CHECK(body_of(ask(one, get("/up/end"))) == "abc");
  one.send("HEAD /up/a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/up/none") + get("/up/end"));
  std::string text;
  char block[4096];
  while (!text.ends_with("\r\n\r\nabc")) {
    const auto n = ::recv(one.fd(), block, sizeof block, 0);
    REQUIRE(n > 0);
    text.append(block, static_cast<std::size_t>(n));
  }
  const auto second = text.find("HTTP/1.1 204 Nothing\r\n");
  REQUIRE(second != std::string::npos);
  CHECK(text.substr(0, second).find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(text.substr(0, second).ends_with("\r\n\r\n"));
  CHECK(text.find("Content-Length", second) > text.find("HTTP/1.1 200 OK", second));
  // What is served here knows no other methods; too long a body goes nowhere.
  CHECK(status_of(ask(one, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")) == 405);
  CHECK(status_of(ask(one, "TRACE /up/a HTTP/1.1\r\nHost: h\r\n\r\n")) == 405);
  CHECK(status_of(ask(one, "POST /up/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n")) ==
        413);
}

TEST_CASE("a large answer goes through a file, and connections are used again") {
  const auto large = pattern(20'000'000);
  upstream server(
      [&](int fd, const upstream::asked&) { return write_text(fd, answer_text(large)); });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  for (int i = 0; i < 5; ++i) CHECK(body_of(ask(one, get("/up/large"))) == large);
  CHECK(server.connections == 1);
}

TEST_CASE("servers that fail get their status, and leave nothing behind") {
  upstream server([](int fd, const upstream::asked& one) {
    const auto target = one.target();
    if (target == "/up/garbage") return write_text(fd, "no answer at all\r\n\r\n");
    if (target == "/up/half")
      return write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), false;
    if (target == "/up/chunk")
      return write_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n");
    if (target == "/up/head") return write_text(fd, "HTTP/1.1 200 OK\r\nContent-L"), false;
    if (target == "/up/huge")
      return write_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n");
    if (target == "/up/closed") return false;
    if (target == "/up/never") {
      char byte;
      return ::recv(fd, &byte, 1, 0) > 0;
    }
    if (target == "/up/both") {
      write_text(fd, answer_text("abc") + "HTTP/1.1 200 OK\r\nContent-");
      char byte;
      return ::recv(fd, &byte, 1, 0) > 0 && write_text(fd, "Length: 4\r\n\r\nevil");
    }
    return serve_pages(fd, one);
  });
  proxied_site s({.upstream = at(server), .receive = ", timeout = '1s', max_body = '1MB'"});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  CHECK(body_of(ask(one, get("/up/a"))) == page("/up/a"));
  const auto before = descriptors();
  for (int round = 0; round < 10; ++round)
    for (const auto* target : {"garbage", "half", "chunk", "head", "huge", "closed"}) {
      CAPTURE(target);
      CHECK(status_of(ask(one, get("/up/" + std::string(target)))) == 502);
    }
  CHECK(status_of(ask(one, get("/up/never"))) == 504);
  // An answer that nobody asked for is nobody's.
  CHECK(body_of(ask(one, get("/up/both"))) == "abc");
  CHECK(body_of(ask(one, get("/up/a"))) == page("/up/a"));
  server.close_connections();
  const auto as_before = [&] { return descriptors() <= before && s.registered() <= 3; };
  for (int tries = 0; tries < 500 && !as_before(); ++tries) std::this_thread::sleep_for(10ms);
  CHECK(descriptors() <= before);
  CHECK(s.registered() <= 3); // the listener, this client, and at most one idle connection
}

TEST_CASE("a server that is started again is found again, and its old connections harm nobody") {
  auto server = std::make_unique<upstream>(serve_pages);
  const auto port = server->port();
  proxied_site s({.upstream = at(*server)});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  CHECK(status_of(ask(one, get("/up/a"))) == 200);
  server->close_connections(); // as servers do with those that were idle for long
  CHECK(status_of(ask(one, get("/up/a"))) == 200);
  server.reset();
  CHECK(status_of(ask(one, get("/up/a"))) == 502);
  CHECK(status_of(ask(one, get("/up/a"))) == 502);
  server = std::make_unique<upstream>(serve_pages, port);
  CHECK(body_of(ask(one, get("/up/a"))) == page("/up/a"));
}

TEST_CASE("a connection that its server gave up is no failure, but nothing is done twice") {
  // Each connection has one answer, and ends at the next request.
  std::atomic<int> posts = 0;
  upstream server([&](int fd, const upstream::asked& one) {
    posts += one.head.starts_with("POST");
    serve_pages(fd, one);
    char byte;
    while (::recv(fd, &byte, 1, 0) > 0 && byte != '\n') {
    }
    return false;
  });
  proxied_site s({.upstream = at(server)});
  check(s.apply(step::proxied));
  const auto one = s.dial();
  for (int i = 1; i <= 10; ++i) {
    CHECK(body_of(ask(one, get("/up/a"))) == page("/up/a"));
    CHECK(server.connections == i);
  }
  const std::string post = "POST /up/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
  CHECK(status_of(ask(one, post)) == 502);
  CHECK(posts == 0);
  CHECK(status_of(ask(one, post)) == 200);
  CHECK(posts == 1);
}

TEST_CASE("of several servers the ones that work are asked, each in its turn") {
  upstream a(serve_pages), b(serve_pages);
  auto c = std::make_unique<upstream>(serve_pages);
  proxied_site s(
      {.upstream = at(*c) + " " + at(a) + " " + at(b), .send = ", fail_timeout = '1min'"});
  c.reset();
  check(s.apply(step::proxied));
  const auto one = s.dial();
  for (int i = 0; i < 20; ++i) CHECK(status_of(ask(one, get("/up/a"))) == 200);
  CHECK(a.requests >= 9);
  CHECK(b.requests >= 9);
}

TEST_CASE("with all connections in use requests wait, and no more than may wait") {
  std::atomic<bool> go_on = false;
  std::atomic<int> at_once = 0, most = 0;
  upstream server([&](int fd, const upstream::asked& one) {
    const int now = ++at_once;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    while (!go_on) std::this_thread::sleep_for(1ms);
    --at_once;
    return serve_pages(fd, one);
  });
  proxied_site s({.upstream = at(server), .send = ", connections = 2, max_waiting = 3"});
  check(s.apply(step::proxied));
  std::vector<client> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(s.dial());
    clients.back().send(get("/up/a"));
  }
  const auto one_is_refused = [&] { // the sixth; which one that is, is up to chance
    for (auto& c : clients) {
      const auto text = c.receive();
      if (text.empty()) continue;
      CHECK(status_of(text) == 503);
      c.close();
      return true;
    }
    return false;
  };
  CHECK(eventually(one_is_refused));
  CHECK(eventually([&] { return at_once == 2; }));
  // A successor knows how many there are.
  check(s.apply(step::proxied,
                {.upstream = at(server), .send = ", connections = 2, max_waiting = 4"}));
  clients.push_back(s.dial());
  clients.back().send(get("/up/a"));
  CHECK(eventually([&] { return s.connections() == 6; }));
  std::string ahead;
  go_on = true;
  for (const auto& c : clients)
    if (c.fd() >= 0) CHECK(body_of(receive(c, ahead)) == page("/up/a"));
  CHECK(most == 2);
}

TEST_CASE("a server that cannot be named refuses the change, and nothing changes") {
  proxied_site s({.upstream = "no-such-host.invalid:80"});
  const auto done = s.apply(step::proxied);
  CHECK(done.outcome == transition_outcome::refused);
  CHECK(done.reason.find("no-such-host.invalid") != std::string::npos);
  const auto one = s.dial();
  CHECK(status_of(ask(one, get("/up/a"))) == 404);
}

// Each operator of the HTTP service is exchanged for another instance or version of it in the
// moments in which most depends on it. The client notices nothing: every byte is compared.
#include "services/moments.hpp"

#include <doctest/doctest.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

constexpr auto committed = transition_outcome::committed;
constexpr auto rolled_back = transition_outcome::rolled_back;

constexpr std::size_t huge_size = test::address_sanitizer ? 20'000'000 : 100'000'000;

void write_file(const stage& at, const std::string& name, const std::string& text) {
  std::ofstream(at.s.folder() / name, std::ios::binary) << text;
}

bool silent(const client& one) {
  pollfd at{one.fd(), POLLIN, 0};
  return ::poll(&at, 1, 0) == 0;
}

/// Requests of many kinds with which a connection goes on, and what each is answered.
struct wanted {
  std::string request;
  int status;
  std::string body;
  bool to_head = false;
};
std::vector<wanted> conversation() {
  const auto small = pattern(2'000);
  return {
      {get("/small"), 200, small},
      {"POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
       "5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
       405, "405 Method Not Allowed\n"},
      {get("/small", "Transfer-Encoding: chunked\r\n") + "4\r\nbody\r\n0\r\n\r\n", 200, small},
      {get("/small", "Range: bytes=100-149\r\n"), 206, small.substr(100, 50)},
      {get("/small", "Content-Length: 10\r\n") + "0123456789", 200, small},
      {"HEAD /small HTTP/1.1\r\nHost: h\r\n\r\n", 200, "", true},
      {get("/nothing"), 404, "404 Not Found\n"},
      {get("/small", "Connection: close\r\n"), 200, small},
  };
}

void expect(answers& from, const wanted& of) {
  const auto got = from.next(of.to_head);
  CHECK_MESSAGE(got.status == of.status, of.request);
  CHECK_MESSAGE(got.body == of.body, of.request);
}

/// The rest of one long body, with something done after each `step` bytes of it.
void expect_body(answers& from, std::string_view body, std::size_t step,
                 const std::function<void()>& then) {
  std::size_t next = step;
  bool right = true;
  for (std::size_t seen = 0; seen < body.size();) {
    const auto part = from.take(body.size() - seen);
    REQUIRE_MESSAGE(!part.empty(), "the connection ended after " << seen << " bytes");
    right = right && body.substr(seen, part.size()) == part;
    seen += part.size();
    if (seen < next || seen >= body.size()) continue;
    next += step;
    then();
  }
  CHECK(right);
}

} // namespace

TEST_CASE("connections in the backlog are answered in their order, whoever comes to accept them") {
  for (const auto& file : graph_files()) {
    const auto& graph = file.second;
    CAPTURE(file.first);
    stage at;
    auto begin = graph;
    begin.max_connections = 4;
    at.must(begin);
    std::vector<client> full, waiting;
    for (int i = 0; i < 4; ++i) {
      full.push_back(at.s.dial());
      full.back().send(get("/small"));
      CHECK(answers(full.back()).next().status == 200);
    }
    for (int i = 0; i < 24; ++i) {
      waiting.push_back(at.s.dial());
      waiting.back().send(get("/small"));
      if (i % 6 == 0) at.exchange({"accept"});
    }
    at.exchange({"accept", "read", "parse"});
    CHECK(std::all_of(waiting.begin(), waiting.end(), silent));
    full.clear();
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (i % 8 == 0) at.exchange({"accept"});
      CHECK(answers(waiting[i]).next().body == pattern(2'000));
      waiting[i].close();
    }
  }
}

TEST_CASE("what comes while all operators stand at their cuts is answered, by old ones or new") {
  struct ending {
    std::string name, gate;
    transition_outcome outcome;
  };
  for (const auto& file : graph_files())
    for (const auto& end :
         {ending{"committed", "", committed},
          ending{"its last operator cannot be restored", ", fails = 'restore'", rolled_back},
          ending{"its deadline passes", "", rolled_back}}) {
      const auto& graph = file.second;
      CAPTURE(file.first);
      CAPTURE(end.name);
      stage at;
      const auto hold = at.s.folder() / "hold";
      auto begin = graph;
      begin.gate_after = graph.log ? "log" : "compose";
      begin.gate = ", hold = '" + hold.string() + "'";
      at.must(begin);

      const auto small = pattern(2'000), large = pattern(20'000'000);
      const auto slow = at.s.dial(16 * 1024), half = at.s.dial(), full = at.s.dial();
      answers of_slow(slow), of_half(half), of_full(full);
      slow.send(get("/large") + get("/small")); // `reply` has most of it left
      CHECK(status_of(of_slow.head()) == 200);
      const auto body = get("/small", "Transfer-Encoding: chunked\r\n") + "4\r\nbody\r\n0\r\n\r\n";
      half.send(body.substr(0, body.size() - 9)); // `parse` has begun
      full.send(get("/small"));
      CHECK(of_full.next().body == small);

      auto names = at.operators();
      names.emplace_back("gate");
      auto next = at.exchanged(names);
      next.gate += end.gate;
      std::ofstream{hold} << "hold\n";
      const bool late = end.name == "its deadline passes";
      auto done = at.become_later(next, late ? 1s : 20s);
      while (!fs::exists(hold.string() + ".reached") &&
             done.wait_for(1ms) == std::future_status::timeout) {
      }

      // All before the gate wait now.
      std::vector<client> waiting;
      for (int i = 0; i < 20; ++i) {
        waiting.push_back(at.s.dial());
        waiting.back().send(get("/small") + get("/nothing"));
      }
      for (const char c : body.substr(body.size() - 9)) half.send({&c, 1});
      for (int i = 0; i < 10; ++i) full.send(get("/small"));
      if (!late) fs::remove(hold);

      const auto ended = done.get();
      CHECK_MESSAGE(ended.outcome == end.outcome, ended.reason);
      fs::remove(hold);
      for (const auto& one : waiting) {
        answers of_one(one);
        CHECK(of_one.next().body == small);
        CHECK(of_one.next().status == 404);
      }
      CHECK(of_half.next().body == small);
      for (int i = 0; i < 10; ++i) CHECK(of_full.next().body == small);
      expect_body(of_slow, large, large.size(), [] {});
      CHECK(of_slow.next().body == small);
    }
}

TEST_CASE("a request may arrive byte by byte, with an operator exchanged after each byte") {
  for (const auto& file : graph_files()) {
    const auto& graph = file.second;
    CAPTURE(file.first);
    stage at;
    at.must(graph);
    const auto names = at.operators();
    const auto one = at.s.dial();
    answers from(one);
    std::size_t turn = 0;
    for (const auto& of : conversation()) {
      for (const char c : of.request) {
        one.send({&c, 1});
        at.exchange({names[turn++ % names.size()]});
      }
      expect(from, of);
    }
    CHECK(from.next().status == 0); // closed, as was asked for
  }
}

TEST_CASE("pipelined requests keep their order, wherever their bytes are cut by updates") {
  for (const auto& file : graph_files()) {
    const auto& graph = file.second;
    CAPTURE(file.first);
    stage at;
    at.must(graph);
    const auto talk = conversation();
    std::string all;
    for (const auto& of : talk) all += of.request;
    const auto names = at.operators();
    for (std::size_t pieces = 2; pieces < 12; ++pieces) {
      const auto one = at.s.dial();
      for (std::size_t i = 0; i < pieces; ++i) {
        one.send(std::string_view(all).substr(
            all.size() * i / pieces, all.size() * (i + 1) / pieces - all.size() * i / pieces));
        at.exchange({names[(pieces + i) % names.size()], names[(pieces + i + 1) % names.size()]});
      }
      answers from(one);
      for (const auto& of : talk) expect(from, of);
    }
  }
}

TEST_CASE("requests that are being loaded get their answers, whoever loads or keeps them next") {
  const auto small = pattern(2'000);
  std::vector<std::string> files;
  const auto file_of = [](std::size_t k, std::size_t i) {
    return "/f" + std::to_string(k * 40 + i);
  };
  // Every second one is kept, the others never: so what is kept has to wait for what is loaded.
  for (std::size_t i = 0; i < 120; ++i) files.push_back(pattern(500 + i * 37));
  for (const bool cached : {false, true}) {
    CAPTURE(cached);
    stage at;
    for (std::size_t i = 0; i < files.size(); ++i)
      write_file(at, "f" + std::to_string(i), files[i]);
    arrangement slow{.cache = cached ? 1 : 0};
    slow.gate_after = cached ? "cache" : "parse"; // so most wait for `load`
    slow.gate = ", delay = '500us'";
    at.must(slow);

    const std::vector<std::vector<std::string>> sets =
        cached ? std::vector<std::vector<std::string>>{{"cache"},
                                                       {"load"},
                                                       {"cache", "load"},
                                                       {"parse", "cache", "load", "compose"},
                                                       {"gate", "cache"},
                                                       {"cache", "reply"}}
               : std::vector<std::vector<std::string>>{
                     {"load"}, {"parse", "load"}, {"load", "compose", "reply"}, {"gate", "load"}};
    for (std::size_t round = 0; round < 12; ++round) {
      const std::array peers{at.s.dial(), at.s.dial(), at.s.dial()};
      std::vector<answers> from;
      for (std::size_t k = 0; k < peers.size(); ++k) {
        from.emplace_back(peers[k]);
        std::string asked;
        for (std::size_t i = 0; i < 40; ++i)
          asked += get(i % 2 == 1 ? "/small" : file_of(k, i) + "?" + std::to_string(round));
        peers[k].send(asked);
      }
      if (cached && round % 4 == 3) {
        auto next = at.now; // the other version, with what the old one keeps and waits for
        next.cache = 3 - next.cache;
        at.must(next);
      } else {
        at.exchange(sets[round % sets.size()]);
      }
      for (const auto& one : peers) one.send(get("/small")); // must not overtake them
      for (std::size_t i = 0; i < 40; ++i)
        for (std::size_t k = 0; k < peers.size(); ++k)
          CHECK(from[k].next().body == (i % 2 == 1 ? small : files[k * 40 + i]));
      for (auto& one : from) CHECK(one.next().body == small);
    }
  }
}

TEST_CASE("a long response to a slow reader is finished through all versions and arrangements") {
  stage at;
  const auto huge = pattern(huge_size), small = pattern(2'000);
  write_file(at, "huge", huge);
  const auto first = huge_size / 10, second = huge_size - huge_size / 10;
  const auto cut =
      "Range: bytes=10-" + std::to_string(first) + "," + std::to_string(second) + "-\r\n";
  // One step to the next graph at a time, through those of all files and instances.
  const std::vector<std::function<arrangement()>> steps = {
      [&] { return at.exchanged({"reply"}); },
      [&] {
        auto n = at.now;
        n.load = n.reply = 3 - n.reply;
        return n;
      },
      [&] {
        return at.exchanged({"compose", "reply"});
      },
      [&] {
        auto n = at.now;
        n.log = !n.log;
        return n;
      },
      [&] {
        return at.exchanged({"accept", "read", "parse", "load"});
      },
      [&] {
        auto n = at.now;
        n.load = n.reply = 3 - n.reply;
        return n;
      },
      [&] {
        auto n = at.now;
        n.cache = n.cache == 0 ? 1 : 0;
        return n;
      },
      [&] { return at.exchanged(at.operators()); },
  };
  std::size_t turn = 0;
  const auto step = [&] { at.must(steps[turn++ % steps.size()]()); };

  for (const int version : {1, 2}) { // who begins it: from memory, by sendfile
    CAPTURE(version);
    at.must({.load = version, .reply = version});
    const auto one = at.s.dial(16 * 1024);
    answers from(one);
    one.send(get("/huge") + get("/small"));
    CHECK(from.head().find("Content-Length: " + std::to_string(huge_size)) != std::string::npos);
    const auto before = turn;
    expect_body(from, huge, huge_size / 25, step);
    CHECK(turn - before >= 20);
    CHECK(from.next().body == small);

    one.send(get("/huge", cut.c_str()) + get("/small"));
    const auto head = from.head();
    CHECK(status_of(head) == 206);
    const auto at_boundary = head.find("boundary=") + 9;
    const auto boundary = head.substr(at_boundary, head.find('\r', at_boundary) - at_boundary);
    const auto part = [&](std::size_t begin, std::size_t last) {
      return "\r\n--" + boundary +
             "\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes " +
             std::to_string(begin) + "-" + std::to_string(last) + "/" + std::to_string(huge_size) +
             "\r\n\r\n" + huge.substr(begin, last - begin + 1);
    };
    const auto parts =
        part(10, first) + part(second, huge_size - 1) + "\r\n--" + boundary + "--\r\n";
    CHECK(head.find("Content-Length: " + std::to_string(parts.size())) != std::string::npos);
    expect_body(from, parts, parts.size() / 10, step);
    CHECK(from.next().body == small);
  }
}

TEST_CASE("the listener goes on as it is, or moves; connections at its old address stay") {
  stage at;
  const auto small = pattern(2'000);
  const auto ask = [&](const client& one) {
    one.send(get("/small"));
    return answers(one).next().body == small;
  };
  const auto port = std::to_string(at.s.port());
  const auto first = at.s.dial();
  CHECK(ask(first));
  auto next = at.now;
  SUBCASE("another backlog") {
    next.listens = "port = 0, backlog = 7";
    at.must(next);
    CHECK(ask(at.s.dial()));
  }
  SUBCASE("another port, while connections wait at the old one, and back") {
    next.max_connections = 1;
    at.must(next);
    std::vector<client> waiting; // in the backlog
    for (int i = 0; i < 20; ++i) {
      waiting.push_back(at.s.dial());
      waiting.back().send(get("/small"));
    }
    const auto other = std::to_string(at.s.free_port());
    next.listens = "port = " + other;
    at.must(next);
    at.exchange({"accept"});                  // with some that wait still
    for (const auto& where : {port, other}) { // back, and there again, while they do
      next = at.now;
      next.listens = "port = " + where;
      at.must(next);
    }
    CHECK(std::all_of(waiting.begin(), waiting.end(), silent));
    next = at.now;
    next.max_connections = 1000;
    at.must(next);
    for (const auto& one : waiting) CHECK(answers(one).next().body == small);
    for (const auto& one : waiting) CHECK(ask(one));
    CHECK(ask(at.s.dial_to(static_cast<std::uint16_t>(std::stoi(other)))));
    CHECK_THROWS(at.s.dial());
    next.listens = "port = " + port;
    at.must(next);
    CHECK(ask(at.s.dial()));
    for (const auto& one : waiting) CHECK(ask(one));
  }
  SUBCASE("all addresses in place of one, and back") {
    for (const auto* address : {"127.0.0.1", "0.0.0.0", "127.0.0.1", "::", "127.0.0.1"}) {
      CAPTURE(address);
      next.listens = "address = '" + std::string(address) + "', port = " + port;
      const auto done = at.become(next);
      if (std::string_view(address) == "::" && done.outcome != committed) continue; // without IPv6
      CHECK_MESSAGE(done.outcome == committed, done.reason);
      CHECK(ask(at.s.dial()));
    }
  }
  SUBCASE("a port that somebody else has: nothing changes") {
    stage elsewhere;
    next.listens = "port = " + std::to_string(elsewhere.s.port());
    const auto done = at.become(next);
    CHECK(done.outcome == rolled_back);
    CHECK(done.reason.find("choose another port") != std::string::npos);
    CHECK(ask(at.s.dial()));
  }
  CHECK(ask(first));
}

TEST_CASE("who is one too many is told so, to come again; those who are there notice nothing") {
  stage at;
  auto full = at.now;
  full.max_connections = 4;
  full.listens = "port = 0, max_refused = 3";
  at.must(full);
  const auto small = pattern(2'000);
  std::vector<client> regular;
  for (int i = 0; i < 4; ++i) {
    regular.push_back(at.s.dial());
    regular.back().send(get("/small"));
    CHECK(answers(regular.back()).next().status == 200);
  }
  std::vector<client> surplus;
  for (int i = 0; i < 3; ++i) surplus.push_back(at.s.dial());
  const auto waiting = at.s.dial();
  waiting.send(get("/small"));
  surplus[0].send("HEAD /small HTTP/1.1\r\nHost: h\r\n\r\n");
  surplus[1].send("GET /sm");
  at.exchange({"accept", "read", "parse", "compose", "reply"}); // now `compose` says 2 s
  surplus[1].send("all HTTP/1.1\r\nHost: h\r\n\r\n" + get("/small"));
  surplus[2].send(get("/small", "Content-Length: 3\r\n") + "abc");
  for (std::size_t i = 0; i < surplus.size(); ++i) {
    CAPTURE(i);
    answers from(surplus[i]);
    const auto told = from.next(i == 0);
    CHECK(told.status == 503);
    if (i > 0) CHECK(told.head.find("Retry-After: 2\r\n") != std::string::npos);
    CHECK(told.head.find("Connection: close\r\n") != std::string::npos);
    CHECK(told.body == (i == 0 ? "" : "503 Service Unavailable\n"));
    CHECK(from.next().status == 0); // and no second answer
  }
  for (const auto& one : regular) {
    one.send(get("/small"));
    CHECK(answers(one).next().body == small);
  }
  surplus.clear();
  CHECK(answers(waiting).next().status == 503); // there was room for it then
  waiting.end();
  regular.pop_back();
  // A connection counts until its end was seen.
  int status = 503;
  for (int tries = 0; tries < 1000 && status == 503; ++tries) {
    const auto late = at.s.dial();
    late.send(get("/small"));
    status = answers(late).next().status;
  }
  CHECK(status == 200);
}

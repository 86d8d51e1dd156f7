// The file server with a pool of blocking workers: what it answers, and that nobody notices when it
// is updated.
#include "apps/pool/file_client.hpp"
#include "services/blocking_site.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// Further settings, each with a comma before it.
struct pool_settings {
  unsigned workers = 3;
  unsigned version = 1;
  std::string keeper = {}, worker = {};
};

struct pool_site {
  temporary_folder folder;
  blocking_site service;

  explicit pool_site(const pool_settings& how = {}) : service(graph_text(how)) {}

  std::string graph_text(const pool_settings& how) {
    if (!std::filesystem::exists(folder.path() / "small")) {
      write("small", pattern(2'000));
      write("middle", pattern(300'000));
      write("large", pattern(20'000'000));
      write("a page.html", "<p>page</p>\n");
    }
    const auto v = std::to_string(how.version), n = std::to_string(how.workers);
    return "arcs = ['accept -> keeper.accepted', 'keeper.connection -> worker',\n"
           "{ chain = 'worker.idle -> keeper.idle', feedback = 'hand_over' },\n"
           "{ chain = 'worker.closing -> keeper.closing', feedback = 'hand_over' }]\n"
           "[operators]\n"
           "accept = { type = 'blocking.accept@" +
           v + "', port = 0 }\nkeeper = { type = 'pool.keeper@" + v + "', workers = " + n +
           how.keeper + " }\nworker = { type = 'pool.worker@" + v + "', replicas = " + n +
           ", root = '" + folder.path().string() + "'" + how.worker + " }\n";
  }
  void write(const char* name, const std::string& text) const {
    std::ofstream(folder.path() / name, std::ios::binary) << text;
  }
};

const std::vector<operator_update> all_operators{
    {"accept", "blocking.accept", 1}, {"keeper", "pool.keeper", 1}, {"worker", "pool.worker", 1}};

std::string get(const std::string& target, const char* more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

/// Reads until so many bytes have come, or the end.
std::string receive(const client& from, std::size_t size) {
  std::string all, block(64 * 1024, '\0');
  while (all.size() < size) {
    const auto n = ::recv(from.fd(), block.data(), std::min(block.size(), size - all.size()), 0);
    if (n <= 0) break;
    all.append(block, 0, static_cast<std::size_t>(n));
  }
  return all;
}

/// One answer; empty if the connection ends before it is complete.
std::string answer(const client& from) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const auto one = receive(from, 1);
    if (one.empty()) return {};
    head += one;
  }
  const auto at = head.find("Content-Length: ");
  if (at == std::string::npos) return head;
  const auto size = std::stoul(head.substr(at + 16));
  const auto body = receive(from, size);
  return body.size() == size ? head + body : std::string();
}

std::string body_of(const std::string& text) { return text.substr(text.find("\r\n\r\n") + 4); }
int status_of(const std::string& text) {
  return text.size() > 12 ? std::stoi(text.substr(9, 3)) : 0;
}

std::unique_ptr<clients::crowd> load_of(pool_site& s, std::size_t clients) {
  const auto files = pool::read_targets(s.folder.path());
  const auto port = s.service.port();
  return std::make_unique<clients::crowd>(clients, [=](std::size_t number) {
    return std::make_unique<pool::file_client>("127.0.0.1", port, files, number);
  });
}

} // namespace

TEST_CASE("the pool answers requests as the HTTP service does") {
  for (const unsigned version : {1u, 2u}) {
    CAPTURE(version);
    pool_site s({.version = version});
    const auto one = s.service.dial();
    one.send(get("/small"));
    CHECK(body_of(answer(one)) == pattern(2'000));
    one.send(get("/large"));
    CHECK(body_of(answer(one)) == pattern(20'000'000));
    one.send(get("/a%20page.html"));
    const auto page = answer(one);
    CHECK(page.find("Content-Type: text/html") != std::string::npos);
    CHECK(body_of(page) == "<p>page</p>\n");
    one.send(get("/middle", "Range: bytes=100000-299999\r\n"));
    const auto part = answer(one);
    CHECK(status_of(part) == 206);
    CHECK(body_of(part) == pattern(300'000).substr(100'000));
    one.send(get("/middle", "Range: bytes=0-9,100-199\r\n"));
    CHECK(answer(one).find("multipart/byteranges") != std::string::npos);
    one.send(get("/nothing"));
    CHECK(status_of(answer(one)) == 404);
    one.send("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" + get("/small"));
    CHECK(status_of(answer(one)) == 405);
    CHECK(body_of(answer(one)) == pattern(2'000));
    one.send("GET /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
             "0\r\n\r\n" +
             get("/small"));
    CHECK(status_of(answer(one)) == 200);
    CHECK(body_of(answer(one)) == pattern(2'000));
    one.send(get("/small") + get("/small") + get("/middle"));
    CHECK(body_of(answer(one)) == pattern(2'000));
    CHECK(body_of(answer(one)) == pattern(2'000));
    CHECK(body_of(answer(one)) == pattern(300'000));
    one.send(get("/small", "Connection: close\r\n"));
    CHECK(body_of(answer(one)) == pattern(2'000));
    CHECK(receive(one, 1).empty());
    CHECK(s.service.stop().reason.empty());
  }
}

TEST_CASE("what cannot be understood is refused and ends its connection, no other") {
  pool_site s;
  const auto other = s.service.dial();
  const std::pair<std::string, int> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {get("/../secret"), 400},
      {"GET /" + std::string(6'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {get("/small", ("X: " + std::string(20'000, 'a') + "\r\n").c_str()), 431},
      {"GET /small HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", 413},
      {"GET /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    CAPTURE(text);
    const auto peer = s.service.dial();
    peer.send(text);
    CHECK(status_of(answer(peer)) == one.second);
    other.send(get("/small"));
    CHECK(body_of(answer(other)) == pattern(2'000));
  }
}

TEST_CASE("clients notice nothing of 100 updates of the pool's operators") {
  pool_site s({.workers = 2});
  const auto crowd = load_of(s, 4);
  update_to_and_fro(s.service, all_operators, 100, *crowd);
}

TEST_CASE("a request that comes byte by byte meets an update at each of them") {
  pool_site s({.workers = 2});
  const auto one = s.service.dial();
  const auto text = get("/small", "Accept: */*\r\n");
  unsigned version = 1;
  for (const char c : text) {
    one.send(std::string(1, c));
    version = 3 - version;
    auto now = all_operators;
    for (auto& op : now) op.version = version;
    const auto done = s.service.update(now);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(body_of(answer(one)) == pattern(2'000));
}

TEST_CASE("an answer that a client takes slowly is finished by whatever version comes") {
  pool_site s({.workers = 2});
  const auto one = s.service.dial(16 * 1024);
  one.send(get("/large"));
  const auto large = pattern(20'000'000);
  std::string seen;
  unsigned version = 1;
  while (seen.find("\r\n\r\n") == std::string::npos || body_of(seen).size() < large.size()) {
    const auto more = receive(one, 1'000'000);
    REQUIRE(!more.empty());
    seen += more;
    if (body_of(seen).size() == large.size()) break;
    if (seen.size() + 1'000'000 > large.size()) {
      seen += receive(one, large.size() + seen.find("\r\n\r\n") + 4 - seen.size());
      break;
    }
    version = 3 - version;
    const auto done = s.service.update({{"worker", "pool.worker", version}});
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(body_of(seen) == large);
}

TEST_CASE("clients that keep all workers but one busy do not keep others waiting") {
  pool_site s({.workers = 3});
  std::vector<client> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(s.service.dial(16 * 1024));
    slow.back().send(i == 0 ? get("/large") : std::string("GET /sm"));
  }
  for (int i = 0; i < 20; ++i) {
    const auto one = s.service.dial();
    for (int n = 0; n < 5; ++n) {
      one.send(get("/small"));
      CHECK(body_of(answer(one)) == pattern(2'000));
    }
  }
  slow[1].send("all HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(body_of(answer(slow[1])) == pattern(2'000));
  CHECK(body_of(answer(slow[0])) == pattern(20'000'000));
}

TEST_CASE("workers come and go under load, and nobody loses a connection") {
  pool_site s({.workers = 1});
  const auto crowd = load_of(s, 4);
  const auto enough = crowd->seen().answers + 100;
  for (const unsigned workers : {3u, 2u, 5u, 1u, 4u}) {
    const auto done = s.service.apply(s.graph_text({.workers = workers}));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = crowd->seen().answers;
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (crowd->seen().answers < before + 50 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(1ms);
  }
  const auto seen = crowd->stop();
  CHECK(seen.answers > enough);
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
}

TEST_CASE("who says nothing is dropped, and who takes too long for a request is told so") {
  pool_site s({.keeper = ", idle_timeout = '100ms'", .worker = ", head_timeout = '200ms'"});
  const auto silent = s.service.dial(), slow = s.service.dial();
  slow.send("GET /small HT");
  CHECK(status_of(answer(slow)) == 408);
  CHECK(receive(slow, 1).empty());
  CHECK(receive(silent, 1).empty());
}

TEST_CASE("an update of the listening address takes those that wait at the old one") {
  pool_site s;
  const auto before = s.service.dial();
  before.send(get("/small"));
  CHECK(body_of(answer(before)) == pattern(2'000));
  const auto text = s.graph_text({});
  const auto at = text.find("port = 0");
  const auto old_port = s.service.port();
  const auto done =
      s.service.apply(text.substr(0, at) + "port = 0, address = '127.0.0.2'" + text.substr(at + 8));
  CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  before.send(get("/small"));
  CHECK(body_of(answer(before)) == pattern(2'000));
  for (int tries = 0; tries < 1000; ++tries) { // the old socket goes with the old version
    const auto all = instard::listening_addresses();
    if (all.size() == 1 && all[0].starts_with("127.0.0.2:")) break;
    std::this_thread::sleep_for(10ms);
  }
  CHECK_THROWS(clients::connection("127.0.0.1", old_port));
  clients::connection now("127.0.0.2", s.service.port());
  now.send(get("/small"));
  CHECK(now.line() == "HTTP/1.1 200 OK");
}

TEST_CASE("a port that somebody else has: nothing changes") {
  pool_site s;
  const auto before = s.service.dial();
  const auto text = s.graph_text({});
  const client other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(other.fd(), reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(other.fd(), 1) == 0);
  REQUIRE(::getsockname(other.fd(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
  const auto taken = "port = " + std::to_string(ntohs(at.sin_port));
  history_entry done;
  SUBCASE("to go there is rolled back") {
    const auto port = text.find("port = 0");
    done = s.service.apply(text.substr(0, port) + taken + text.substr(port + 8));
    CHECK(done.outcome == transition_outcome::rolled_back);
  }
  SUBCASE("to listen there as well is refused") {
    const auto arcs = text.find("'accept -> keeper.accepted'");
    done =
        s.service.apply(text.substr(0, arcs) + "'second -> keeper.accepted', " + text.substr(arcs) +
                        "second = { type = 'blocking.accept@1', " + taken + " }\n");
    CHECK(done.outcome == transition_outcome::refused);
  }
  CHECK_MESSAGE(done.reason.find("choose another port") != std::string::npos, done.reason);
  before.send(get("/small"));
  CHECK(body_of(answer(before)) == pattern(2'000));
}

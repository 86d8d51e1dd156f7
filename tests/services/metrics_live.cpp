#include "services/exposition.hpp"
#include "services/site.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// What the graph is like.
struct shape {
  int version = 1;   ///< of load and reply
  int variant = 0;   ///< of what an update replaces without changing what it does
  bool meter = true; ///< between compose and reply
  bool page = true;  ///< on an address of its own
  bool insert = false;
};

/// The HTTP service with a meter, and with its metrics on another address.
class metered_site {
public:
  metered_site() {
    std::ofstream(folder_.path() / "small", std::ios::binary) << pattern(2'000);
    std::ofstream(folder_.path() / "large", std::ios::binary) << pattern(20'000'000);
    service_.offer(net::reactor::resource_name, &sockets_);
    const auto done = become({});
    REQUIRE_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    for (int tries = 0; tries < 1000 && (port_of("127.0.0.1") == 0 || port_of("127.0.0.2") == 0);
         ++tries)
      std::this_thread::sleep_for(10ms);
  }

  history_entry become(const shape& wanted) {
    std::promise<history_entry> done;
    service_.apply({graph_of(wanted), "test", 5s},
                   [&](history_entry e) { done.set_value(std::move(e)); });
    auto entry = done.get_future().get();
    if (entry.outcome == transition_outcome::committed) path_ = path_of(wanted);
    return entry;
  }

  client dial(const char* address = "127.0.0.1") {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_of(address));
    ::inet_pton(AF_INET, address, &to.sin_addr);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd);
      throw std::runtime_error("nobody listens");
    }
    return client(fd);
  }
  exposition scrape() {
    const auto one = dial("127.0.0.2");
    one.send(get(path_));
    std::string ahead;
    const auto got = receive(one, ahead);
    CHECK(status_of(got) == 200);
    CHECK(got.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
    exposition read(body_of(got));
    for (const auto& m : read.mistakes) FAIL_CHECK(m);
    return read;
  }
  /// Scrapes until all answers that were begun are written, as far as anybody can tell.
  exposition scrape_at_rest() {
    for (int tries = 0;; ++tries) {
      auto seen = scrape();
      const auto ended = seen.sum("instar_http_request_duration_seconds_count") +
                         seen.sum("instar_http_responses_cut_off_total");
      if (tries > 500 || ended == seen.sum("instar_http_requests_total")) return seen;
      std::this_thread::sleep_for(10ms);
    }
  }

  std::vector<history_entry> history() {
    std::promise<std::vector<history_entry>> got;
    service_.history([&](std::vector<history_entry> h) { got.set_value(std::move(h)); });
    return got.get_future().get();
  }
  service_status status() {
    std::promise<service_status> got;
    service_.status([&](service_status st) { got.set_value(std::move(st)); });
    return got.get_future().get();
  }

private:
  static std::string path_of(const shape& s) { return s.variant % 2 == 0 ? "/metrics" : "/m"; }

  std::uint16_t port_of(const std::string& address) {
    for (std::uint64_t id = 1; id < 50; ++id)
      if (const auto held = sockets_.find(id))
        if (const auto at = held.as<net::listener>();
            at && at->address().find(address + ":") != std::string::npos)
          return at->port();
    return 0;
  }
  service_options options() {
    service_options o;
    o.events = &sockets_;
    o.blocking_threads = 2;
    o.kept_history = 1000;
    return o;
  }
  graph graph_of(const shape& s) const {
    const auto version = std::to_string(s.version);
    const std::string room(static_cast<std::size_t>(1 + s.variant), ' ');
    std::string text = "[graph]\nname = 'http'\nmodules = ['" INSTAR_TEST_MODULES "']\narcs = [";
    text += "'accept -> read -> parse -> load ->" + std::string(s.insert ? " insert ->" : "") +
            " compose ->" + (s.meter ? " meter ->" : "") + " reply',";
    if (s.page) text += "'a2 -> r2 -> p2 -> page -> c2 -> w2'";
    text += "]\n[operators]\n"
            "accept = { type = 'net.accept@1', port = 0 }\n"
            "read = { type = 'net.read@1' }\n"
            "parse = { type = 'http.parse@1' }\n"
            "compose = { type = 'http.compose@1' }\n"
            "load = { type = 'http.load@" +
            version + "', root = '" + folder_.path().string() +
            "' }\n"
            "reply = { type = 'http.reply@" +
            version + "', write_timeout = '6" + std::to_string(s.variant % 10) + "s' }\n";
    if (s.meter) text += "meter = { type = 'http.meter@1', buckets = '1ms" + room + "10ms 1s' }\n";
    if (s.insert) text += "insert = { type = 'metrics.insert@1' }\n";
    if (s.page)
      text += "a2 = { type = 'net.accept@1', address = '127.0.0.2', port = 0 }\n"
              "r2 = { type = 'net.read@1' }\np2 = { type = 'http.parse@1' }\n"
              "page = { type = 'metrics.page@1', path = '" +
              path_of(s) +
              "' }\n"
              "c2 = { type = 'http.compose@1' }\nw2 = { type = 'http.reply@1' }\n";
    auto file = parse_graph(text, folder_.path() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    return std::move(file.content);
  }

  temporary_folder folder_;
  net::reactor sockets_;
  service service_{options()};
  std::string path_;
};

/// Clients that count what they got.
class load {
public:
  explicit load(metered_site& of) {
    for (auto& c : clients_) c = std::thread([this, &of] { run(of); });
  }
  ~load() { finish(); }
  void finish() {
    stop_ = true;
    for (auto& c : clients_)
      if (c.joinable()) c.join();
  }

  std::atomic<std::uint64_t> answered = 0, missing = 0, bytes = 0;

private:
  void run(metered_site& of) {
    const auto one = of.dial();
    std::string ahead;
    while (!stop_) {
      one.send(get("/small") + get("/none") + get("/small"));
      for (int i = 0; i < 3; ++i) {
        const auto got = receive(one, ahead);
        if (got.empty()) return;
        bytes += got.size();
        missing += status_of(got) == 404;
        ++answered;
      }
    }
  }

  std::atomic<bool> stop_ = false;
  std::array<std::thread, 3> clients_;
};

double requests(const exposition& seen, const char* code) {
  return seen.sum("instar_http_requests_total", {{"operator", "meter"}, {"code", code}});
}

} // namespace

TEST_CASE("each request is counted once, whatever on its way is updated meanwhile") {
  metered_site s;
  // Takes its answer only when many versions of `reply` have come and gone.
  const auto slow = s.dial();
  slow.send(get("/large"));
  load clients(s);
  for (int i = 1; i <= 40; ++i) {
    const auto done = s.become({.version = 1 + i % 2, .variant = i});
    REQUIRE_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    if (i % 10 == 0) s.scrape();
  }
  clients.finish();
  std::string ahead;
  const auto large = receive(slow, ahead);
  CHECK(body_of(large).size() == 20'000'000);

  const auto seen = s.scrape_at_rest();
  CHECK(clients.answered > 100);
  CHECK(requests(seen, "2xx") == clients.answered - clients.missing + 1);
  CHECK(requests(seen, "4xx") == clients.missing);
  CHECK(seen.sum("instar_http_requests_total") == clients.answered + 1);
  CHECK(seen.sum("instar_http_request_duration_seconds_count") == clients.answered + 1);
  CHECK(seen.value("instar_http_response_bytes_total", {{"operator", "meter"}}) ==
        clients.bytes + large.size());
  // The slow client has waited longer than all of the updates took.
  CHECK(seen.value("instar_http_request_duration_seconds_sum",
                   {{"operator", "meter"}, {"code", "2xx"}}) > 0.01);
}

TEST_CASE("transitions are counted as the history has them, and updates make no series") {
  metered_site s;
  const auto until = [&](int first, int last) {
    for (int i = first; i < last; ++i)
      CHECK(s.become({.version = 1 + i % 2, .variant = i % 2}).outcome ==
            transition_outcome::committed);
    return s.scrape();
  };
  const auto before = until(1, 11);
  CHECK(s.become({.version = 9}).outcome == transition_outcome::refused);
  const auto after = until(11, 111);
  CHECK(before.keys() == after.keys());
  for (const auto outcome : {transition_outcome::committed, transition_outcome::refused,
                             transition_outcome::rolled_back, transition_outcome::unchanged}) {
    double count = 0;
    for (const auto& entry : s.history()) count += entry.outcome == outcome;
    CHECK(after.value("instar_transitions_total", {{"outcome", to_string(outcome)}}) == count);
  }
  CHECK(after.value("instar_epoch") == static_cast<double>(s.status().epoch));
  CHECK(after.value("instar_transition_seconds_count") ==
        after.value("instar_transitions_total", {{"outcome", "committed"}}));
  CHECK(after.value("instar_operator_info",
                    {{"operator", "load"}, {"type", "http.load"}, {"version", "1"}}) == 1);
  CHECK(after.value("instar_modules_stuck_total") == 0);
}

TEST_CASE("meter and page are taken out and put in live, and leave nothing behind") {
  metered_site s;
  load clients(s);
  for (int i = 0; i < 5; ++i) {
    CHECK(s.become({.meter = false}).outcome == transition_outcome::committed);
    CHECK(s.scrape().sum("instar_http_requests_total") == 0);
    CHECK(s.become({.meter = false, .page = false}).outcome == transition_outcome::committed);
    CHECK(s.become({}).outcome == transition_outcome::committed);
  }
  clients.finish();
  CHECK(s.become({.meter = false, .page = false}).outcome == transition_outcome::committed);
  const auto status = s.status();
  CHECK(status.modules_stuck == 0);
  CHECK(status.modules_loaded == 5); // net, parse, load, compose, reply
}

TEST_CASE("the page among the service's own answers keeps its place in their order") {
  metered_site s;
  REQUIRE(s.become({.insert = true}).outcome == transition_outcome::committed);
  const auto one = s.dial();
  std::string wanted;
  for (int i = 0; i < 10; ++i) wanted += get("/small") + get("/metrics") + get("/none");
  one.send(wanted);
  std::string ahead;
  for (int i = 0; i < 10; ++i) {
    CHECK(body_of(receive(one, ahead)) == pattern(2'000));
    const auto page = receive(one, ahead);
    CHECK(status_of(page) == 200);
    CHECK(exposition(body_of(page)).mistakes.empty());
    CHECK(status_of(receive(one, ahead)) == 404);
  }
}

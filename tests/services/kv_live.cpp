#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"
#include "services/kv_parts.hpp"
#include "services/net/reactor.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <initializer_list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// The real service from the real modules, on a port of its own.
class site {
public:
  site() {
    service_.offer(net::reactor::resource_name, &sockets_);
    const auto outcome = apply(graph_of(1, 0));
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    for (int tries = 0; tries < 1000 && (port_ = listening_at()) == 0; ++tries)
      std::this_thread::sleep_for(10ms);
    REQUIRE(port_ != 0);
  }

  /// Replaces all operators but `accept` by instances with other settings, the store by `version`.
  history_entry replace_all(unsigned version, int variant) {
    return apply(graph_of(version, variant));
  }
  /// So many stores of that version share the keys.
  history_entry share(unsigned stores, unsigned version) {
    auto g = graph_of(version, 0);
    for (auto& op : g.operators)
      if (op.name == "store") {
        op.replicas = stores;
        op.key = key_kind::hash;
      }
    return apply(std::move(g));
  }
  history_entry update(std::vector<operator_update> what) {
    std::promise<history_entry> done;
    service_.update(std::move(what), "test", 10s,
                    [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  client dial() const {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return client(fd);
  }

private:
  history_entry apply(graph wanted) {
    std::promise<history_entry> done;
    service_.apply({std::move(wanted), "test", 10s},
                   [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  std::uint16_t listening_at() {
    for (std::uint64_t id = 1; id < 10; ++id)
      if (const auto held = sockets_.find(id))
        if (const auto at = held.as<net::listener>()) return at->port();
    return 0;
  }
  service_options options() {
    service_options o;
    o.events = &sockets_;
    return o;
  }
  static graph graph_of(unsigned version, int variant) {
    const auto more = std::to_string(variant);
    auto file = parse_graph(
        "[graph]\nname = 'kv'\nmodules = ['" INSTAR_TEST_MODULES "']\n"
        "arcs = ['accept -> read -> parse -> store -> reply']\n[operators]\n"
        "accept = { type = 'net.accept@1', port = 0 }\n"
        "read = { type = 'net.read@1', idle_timeout = '7" +
            more + "s' }\nparse = { type = 'kv.parse@1', max_open = 6" + more +
            " }\nstore = { type = 'kv.store@" + std::to_string(version) + "', max_value = '6" +
            more + "MiB' }\nreply = { type = 'kv.reply@1', max_unread = '6" + more + "MiB' }\n",
        std::filesystem::temp_directory_path() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    return std::move(file.content);
  }

  net::reactor sockets_;
  service service_{options()};
  std::uint16_t port_ = 0;
};

/// Reads so many answers; blocks.
std::vector<std::string> receive(const client& from, std::string& ahead, std::size_t count) {
  std::vector<std::string> all;
  char block[65536];
  while (all.size() < count) {
    std::string_view rest = ahead;
    try {
      while (all.size() < count && !rest.empty()) {
        auto tried = rest;
        all.push_back(show(tried));
        rest = tried;
      }
    } catch (const std::exception&) { // not here as a whole
    }
    ahead.erase(0, ahead.size() - rest.size());
    if (all.size() == count) break;
    const auto n = ::recv(from.fd(), block, sizeof block, 0);
    if (n <= 0) return all;
    ahead.append(block, static_cast<std::size_t>(n));
  }
  return all;
}

/// Sends one command over a connection of its own, and returns the answer to it.
auto asker(const site& to) {
  struct line {
    client end;
    std::string ahead{};
  };
  return [to_it = std::make_shared<line>(line{to.dial()})](
             std::initializer_list<std::string_view> args) {
    to_it->end.send(command(args));
    return receive(to_it->end, to_it->ahead, 1).at(0);
  };
}

/// Clients with keys of their own that write, read back and compare.
class load {
public:
  explicit load(const site& of) {
    for (unsigned i = 0; i < 4; ++i) clients_.emplace_back([this, &of, i] { run(of, i); });
  }
  void settle() {
    const int seen = answered;
    while (answered < seen + 200) std::this_thread::sleep_for(1ms);
  }
  void finish() {
    stop_ = true;
    for (auto& c : clients_) c.join();
  }

  std::atomic<int> answered = 0, wrong = 0;

private:
  void run(const site& of, unsigned me) {
    const auto one = of.dial(); // once: established connections survive
    std::string ahead;
    std::mt19937 random(me);
    std::map<std::string, std::string> written;
    for (int n = 0; !stop_; ++n) {
      std::string text;
      std::vector<std::string> expected;
      for (int i = 0; i < 8; ++i) {
        const auto key = "c" + std::to_string(me) + "k" + std::to_string(random() % 500);
        if (random() % 2) {
          const auto value = std::to_string(n) + std::string(random() % 40, 'v');
          text += command({"SET", key, value});
          written[key] = "'" + value + "'";
          expected.push_back("OK");
        } else {
          text += command({"GET", key});
          expected.push_back(written.count(key) ? written[key] : "nil");
        }
      }
      one.send(text);
      if (receive(one, ahead, 8) != expected) ++wrong;
      answered += 8;
    }
  }

  std::atomic<bool> stop_ = false;
  std::vector<std::thread> clients_;
};

} // namespace

TEST_CASE("what was acknowledged is read back while every operator is exchanged") {
  site s;
  load clients(s);
  for (int i = 1; i <= 20; ++i) {
    const auto done = s.replace_all(1, i % 4 + 1);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    clients.settle();
  }
  clients.finish();
  CHECK(clients.wrong == 0);
}

TEST_CASE("the store goes up to version 5 and back under load, and loses nothing on the way") {
  site s;
  load clients(s);
  const auto ask = asker(s);
  const auto go_to = [&](unsigned version) {
    const auto done = s.update({{"store", "kv.store", version}});
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    clients.settle();
  };
  CHECK(ask({"SET", "text", "1"}) == "OK");
  for (const unsigned version : {2, 3, 4, 5}) go_to(version);
  CHECK(ask({"GET", "text"}) == "'1'");
  CHECK(ask({"RPUSH", "list", "a", "b"}) == ":2");
  CHECK(ask({"HSET", "hash", "a", "1", "b", "2"}) == ":2");
  CHECK(ask({"SET", "ends", "x", "EX", "100000"}) == "OK");
  CHECK(ask({"SET", "ended", "x", "PX", "1"}) == "OK");
  for (const unsigned version : {4, 3, 2, 1}) go_to(version);
  CHECK(ask({"TYPE", "list"}) == "later");
  CHECK(ask({"TYPE", "hash"}) == "later");
  CHECK(ask({"GET", "ends"}) == "'x'");
  CHECK(ask({"INCR", "text"}) == ":2");
  go_to(5); // all at once
  CHECK(ask({"GET", "text"}) == "'2'");
  CHECK(ask({"LRANGE", "list", "0", "-1"}) == "['a' 'b']");
  CHECK(ask({"HGET", "hash", "b"}) == "'2'");
  CHECK(ask({"HLEN", "hash"}) == ":2");
  CHECK(ask({"EXISTS", "ended"}) == ":0");
  CHECK(ask({"PERSIST", "ends"}) == ":1");
  go_to(1);
  clients.finish();
  CHECK(clients.wrong == 0);
}

TEST_CASE("more or fewer stores share the keys, in this version and in that, under load") {
  site s;
  load clients(s);
  const auto ask = asker(s);
  CHECK(ask({"MSET", "a", "1", "b", "2", "c", "3", "d", "4"}) == "OK");
  const auto reported = [&](const std::string& name) {
    const auto text = ask({"INFO"});
    const auto at = text.find(name);
    return at == text.npos ? 0 : std::stoull(text.substr(at + name.size()));
  };
  std::uint64_t commands = 0;
  for (const auto& change : std::vector<std::pair<unsigned, unsigned>>{
           {3, 1}, {3, 2}, {2, 2}, {5, 3}, {1, 4}, {4, 5}, {7, 5}, {2, 4}, {2, 1}, {1, 1}}) {
    const auto stores = change.first, version = change.second;
    INFO(stores, " stores of version ", version);
    const auto done = s.share(stores, version);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    clients.settle();
    CHECK(ask({"MGET", "a", "b", "nothing", "c", "d"}) == "['1' '2' nil '3' '4']");
    CHECK(reported("store_version:") == version);
    const auto before = std::exchange(commands, reported("total_commands_processed:"));
    CHECK(commands > before); // those of all stores that there were
    CHECK(reported("db0:keys=") > 100);
  }
  CHECK(ask({"DEL", "a", "b", "c", "d", "nothing"}) == ":4");
  clients.finish();
  CHECK(clients.wrong == 0);
}

TEST_CASE("a command that arrives byte by byte outlives the versions that began it") {
  site s;
  const auto one = s.dial();
  std::string ahead;
  int variant = 0;
  for (const char c : command({"SET", "a", "1"}) + command({"GET", "a"})) {
    one.send({&c, 1});
    const auto done = s.replace_all(1, ++variant % 4 + 1);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(receive(one, ahead, 2) == std::vector<std::string>{"OK", "'1'"});
}

TEST_CASE("hostile clients are told, and harm nobody") {
  site s;
  const auto bystander = s.dial();
  std::string ahead;
  for (const char* bytes : {"*1\r\n$99999999999\r\n", "*-5\r\n*3\r\nx", "\"\r\n", "*1\r\n*1\r\n"}) {
    const auto rude = s.dial();
    std::string rest;
    rude.send(command({"PING"}) + bytes);
    const auto answers = receive(rude, rest, 3);
    REQUIRE(answers.size() == 2); // then the connection ends
    CHECK(answers[0] == "PONG");
    CHECK(answers[1].substr(0, 20) == "-ERR Protocol error:");
    bystander.send(command({"PING"}));
    CHECK(receive(bystander, ahead, 1) == std::vector<std::string>{"PONG"});
  }
  {
    const auto gone = s.dial();
    gone.send(command({"SET", "a", std::string(100'000, 'x')}) + "*2\r\n$3\r\nGE");
  }
  bystander.send(command({"STRLEN", "a"}) + "QUIT\r\nPING\r\n");
  const auto last = receive(bystander, ahead, 3);
  REQUIRE(last.size() == 2);
  CHECK(last[1] == "OK");
}

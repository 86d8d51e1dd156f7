// The real operators, each on its thread, under the load of the service's own clients.
#include "apps/clients/connection.hpp"
#include "apps/monitor/monitor_client.hpp"
#include "services/threaded_site.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

using namespace instar;
using namespace instar::test;

namespace {

constexpr const char* arcs = "'receive.status -> report.status', 'receive.socket -> poll.socket', "
                             "'report.targets -> poll.targets', 'control -> report.question', "
                             "{ chain = 'report.answer -> control', feedback = 'hand_over' }";

/// Who says nothing for so long counts as silent.
std::string operators(const char* silent_after = "60s") {
  return std::string("receive = { type = 'monitor.receive@1' }\n"
                     "poll = { type = 'monitor.poll@1', every = '50ms' }\n"
                     "report = { type = 'monitor.report@1', every = '20ms', silent_after = '") +
         silent_after + "' }\ncontrol = { type = 'monitor.control@1', port = 0 }\n";
}

const std::vector<place_and_type> all = {{"receive", "monitor.receive"},
                                         {"poll", "monitor.poll"},
                                         {"report", "monitor.report"},
                                         {"control", "monitor.control"}};

std::string ask(clients::connection& to, const std::string& question) {
  to.send(question + "\n");
  return to.line();
}

/// A socket that sends datagrams to where the monitor receives.
struct member {
  explicit member(clients::connection& monitor) {
    std::string where;
    while ((where = ask(monitor, "where")).size() < 13) std::this_thread::sleep_for(1ms);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoul(where.substr(where.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  ~member() { ::close(fd); }
  void send(std::string_view text) const {
    REQUIRE(::send(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  /// The next datagram of the monitor.
  std::string receive() const {
    const timeval limit{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char block[256];
    const auto n = ::recv(fd, block, sizeof block, 0);
    return n > 0 ? std::string(block, static_cast<std::size_t>(n)) : "";
  }

  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

/// Asks again until the answer begins so.
std::string ask_until(clients::connection& to, const std::string& question, const char* begin) {
  const auto give_up = std::chrono::steady_clock::now() + 10s;
  std::string said;
  while (!(said = ask(to, question)).starts_with(begin)) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, said);
    std::this_thread::sleep_for(1ms);
  }
  return said;
}

} // namespace

TEST_CASE("100 updates of a monitor under load are not noticed by members and clients") {
  threaded_site s(arcs, operators());
  clients::crowd load(6, [&](std::size_t number) {
    return std::make_unique<clients::monitor_client>("127.0.0.1", s.port(), number);
  });
  update_to_and_fro(s, load, all, 100);
  check_unnoticed(load);
  CHECK(s.stop().reason == "");
}

TEST_CASE("a member is polled, falls silent, and comes back; who watches is told") {
  threaded_site s(arcs, operators("200ms"));
  CHECK(s.update({{"control", "monitor.control", 2}}).outcome == transition_outcome::committed);
  clients::connection watcher("127.0.0.1", s.port()), asker("127.0.0.1", s.port());
  CHECK(ask(watcher, "watch") == "watching");
  const member m(asker);
  m.send("status one 1 1 sent=1\n");
  CHECK(watcher.line() == "event joined one");
  CHECK(m.receive().starts_with("poll "));
  CHECK(watcher.line() == "event silent one");
  for (const auto& [name, type] : all)
    CHECK(s.update({{name, type, name == "control" ? 1u : 2u}}).outcome ==
          transition_outcome::committed);
  CHECK(s.update({{"control", "monitor.control", 2}}).outcome == transition_outcome::committed);
  m.send("status one 1 2 sent=2\nstatus one 1 3 sent=3\n"); // several: version 2
  CHECK(watcher.line() == "event back one");
  const auto known = ask_until(asker, "member one", "member one alive incarnation 1 seq 3 ");
  CHECK(known.find(" lost 0 ") != known.npos);
  CHECK(m.receive().starts_with("poll "));
  m.send("leave one 1 4\n");
  CHECK(watcher.line() == "event left one");
}

TEST_CASE("datagrams and lines that mean nothing harm nobody") {
  threaded_site s(arcs, operators());
  clients::connection asker("127.0.0.1", s.port());
  const member m(asker);
  m.send("status\n");
  m.send(std::string(9000, 'x'));
  m.send(std::string("\0\1\2", 3));
  m.send("status good 1 1\n");
  ask_until(asker, "member good", "member good alive");
  CHECK(ask(asker, "nonsense").starts_with("error: 'nonsense' is no question"));
  clients::connection rude("127.0.0.1", s.port());
  rude.send(std::string(5'000, 'y'));
  CHECK(rude.line() == "error: a line of more than 4096 bytes");
  CHECK(ask(asker, "totals").starts_with("alive 1 "));
}

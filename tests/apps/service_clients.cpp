// The services whose operators block, as users run them: the daemon with the graph file, updates by
// command, and the client's program, which says whether it noticed anything.
#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace instar::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

struct example {
  const char* name;
  std::vector<std::string> updates; ///< `operator=type`
  std::vector<std::string> arguments = {};
};

const example examples[] = {
    {"pool",
     {"accept=blocking.accept", "keeper=pool.keeper", "worker=pool.worker"},
     {"--root", SERVICES "/http/www"}},
    {"bulk",
     {"accept=blocking.accept", "control=bulk.control", "receiver=bulk.receiver",
      "reporter=bulk.reporter"}},
    {"stream",
     {"accept=blocking.accept", "mixer=stream.mixer", "sender=stream.sender",
      "statistics=stream.statistics"},
     {"--file", SERVICES "/http/update.svg"}},
};

std::string graph_of(const example& one) {
  return std::string(SERVICES) + "/" + one.name + "/" + one.name + ".toml";
}

/// The thread that listens says so in the log.
std::string port_of(const program& daemon) {
  const std::string said = "listens on 127.0.0.1:";
  for (int tries = 0; tries < 1000; ++tries) {
    const auto log = daemon.err();
    const auto at = log.find(said), end = log.find('\n', at);
    if (at != std::string::npos && end != std::string::npos)
      return log.substr(at + said.size(), end - at - said.size());
    std::this_thread::sleep_for(10ms);
  }
  FAIL("it does not listen: " << daemon.err());
  return {};
}

std::vector<std::string> arguments_of(const example& one, const std::string& port,
                                      const std::string& seconds) {
  std::vector<std::string> made{"--port", port, "--clients", "3", "--seconds", seconds, "--json"};
  made.insert(made.end(), one.arguments.begin(), one.arguments.end());
  return made;
}

std::string client_of(const example& one) {
  return std::string(CLIENTS) + "/" + one.name + "-client";
}

} // namespace

TEST_CASE("each example's clients notice nothing of updates by command, until SIGTERM") {
  for (const auto& one : examples) {
    INFO(std::string(one.name));
    const workshop w;
    const auto daemon = w.serve(graph_of(one), {"--set", "accept.port=0"});
    program clients(client_of(one), arguments_of(one, port_of(*daemon), "0"), w.folder());
    for (const auto* version : {"@2", "@1", "@2"}) {
      std::vector<std::string> update{"update"};
      for (const auto& op : one.updates) update.push_back(op + version);
      const auto done = w.instarctl(update);
      CHECK_MESSAGE(done.code == 0, done.err);
      std::this_thread::sleep_for(200ms);
    }
    clients.signal(SIGTERM);
    CHECK(clients.wait() == 0);
    CAPTURE(clients.err());
    const auto seen = json::parse(clients.out(), nullptr, false);
    REQUIRE(seen.is_object());
    CHECK(seen.at("answers") > 0);
    CHECK(seen.at("failed") == 0);
    CHECK(seen.at("reopened") == 0);
    CHECK(seen.at("longest_ms") > 0);
    daemon->signal(SIGTERM);
    CHECK(daemon->wait() == 0);
  }
}

TEST_CASE("each example's clients say that their service has gone") {
  for (const auto& one : examples) {
    INFO(std::string(one.name));
    const workshop w;
    const auto daemon = w.serve(graph_of(one), {"--set", "accept.port=0"});
    program clients(client_of(one), arguments_of(one, port_of(*daemon), "0"), w.folder());
    std::this_thread::sleep_for(200ms);
    daemon->signal(SIGTERM);
    CHECK(daemon->wait() >= 0); // 1, if something came back just when all was to be finished
    std::this_thread::sleep_for(100ms);
    clients.signal(SIGTERM);
    CHECK(clients.wait() == 1);
    const auto seen = json::parse(clients.out(), nullptr, false);
    REQUIRE(seen.is_object());
    CHECK(seen.at("failed") > 0);
  }
}

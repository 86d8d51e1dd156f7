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

/// As the ready line says it.
std::string port_of(const program& daemon) {
  const std::string mark = "listening=127.0.0.1:";
  const auto said = daemon.out();
  const auto at = said.find(mark);
  REQUIRE_MESSAGE(at != said.npos, said);
  const auto digits = at + mark.size();
  return said.substr(digits, said.find_first_not_of("0123456789", digits) - digits);
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

TEST_CASE("each example that finds its port taken does not start, and says what to do") {
  for (const auto& one : examples) {
    INFO(std::string(one.name));
    const workshop w;
    const auto daemon = w.serve(graph_of(one), {"--set", "accept.port=0"});
    const auto second = w.instard({"--graph", graph_of(one), "--set",
                                   "accept.port=" + port_of(*daemon), "--admin", "second.sock"});
    CHECK(second.code == 1);
    CHECK(second.out.empty());
    CHECK_MESSAGE(second.err.find("choose another port") != std::string::npos, second.err);
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
    CHECK(daemon->wait() == 0);
    std::this_thread::sleep_for(100ms);
    clients.signal(SIGTERM);
    CHECK(clients.wait() == 1);
    const auto seen = json::parse(clients.out(), nullptr, false);
    REQUIRE(seen.is_object());
    CHECK(seen.at("failed") > 0);
  }
}

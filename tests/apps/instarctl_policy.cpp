#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

using namespace instar::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool eventually(const std::function<bool()>& what) {
  for (int i = 0; i < 600; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

/// `tick -> store` with a policy that exchanges `store` as soon as it looks.
std::string policy_graph(const workshop& w, const std::string& settings = {}) {
  const auto plain = w.flow("flow.toml", 1, 1);
  std::ifstream in(plain);
  std::stringstream text;
  text << in.rdbuf() << "[operators.swap]\ntype = \"instar.policy@1\"\n"
       << "when = \"packets_in(store) > 1/s\"\nfor = \"0s\"\nupdate = \"store=flow.store@2\"\n"
       << "every = \"20ms\"\nwindow = \"100ms\"\n"
       << settings;
  return w.file("policy.toml", text.str());
}

json policy_of(const workshop& w) {
  const auto all = json::parse(w.instarctl({"policy", "list", "--json"}).out);
  if (all.empty()) return {{"events", json::array()}, {"place", ""}}; // it begins
  return all.at(0);
}

} // namespace

TEST_CASE("policy list and why tell what a policy did and for what reason") {
  const workshop w;
  const auto daemon = w.serve(policy_graph(w));
  REQUIRE(eventually([&] {
    const auto p = policy_of(w);
    return p["events"].size() == 1 && !p["events"][0]["outcome"].is_null();
  }));
  const auto p = policy_of(w);
  CHECK(p["name"] == "swap");
  CHECK(p["place"] == "there");
  CHECK(p["paused"] == false);
  CHECK(p["changes"] == 1);
  CHECK(p["events"][0]["outcome"] == "committed");
  CHECK(p["events"][0]["asked"] == "update store=flow.store@2");
  const std::string cause = p["events"][0]["cause"];
  CHECK(contains(cause, "packets_in(store) is "));
  const auto last = json::parse(w.instarctl({"history", "-n", "1", "--json"}).out).at(0);
  CHECK(last["who"] == "policy swap");
  CHECK(last["cause"] == cause);
  CHECK(last["id"] == p["events"][0]["transition"]);
  CHECK(contains(w.instarctl({"history"}).out,
                 "store: flow.store@1 -> flow.store@2, because " + cause));

  const auto list = w.instarctl({"policy", "list"});
  CHECK(list.code == 0);
  CHECK(contains(list.out, "POLICY"));
  CHECK(contains(list.out, "swap"));
  CHECK(contains(list.out, "no way back"));
  const auto why = w.instarctl({"policy", "why", "swap"});
  CHECK(why.code == 0);
  CHECK(contains(why.out, "there: update store=flow.store@2, because " + cause));
  CHECK(contains(why.out, "committed, transition 2, epoch 2"));
  CHECK(w.instarctl({"policy", "why"}).out == w.instarctl({"policy", "why", "swap"}).out);
  const auto wrong = w.instarctl({"policy", "why", "swop"});
  CHECK(wrong.code == 3);
  CHECK(contains(wrong.err, "there is no policy 'swop'; did you mean 'swap'?"));
}

TEST_CASE("policy pause and resume hold it up and let it go on") {
  const workshop w;
  const auto daemon = w.serve(policy_graph(w, "paused = true\n"));
  CHECK(eventually([&] {
    return contains(w.instarctl({"policy", "list"}).out, "paused by its settings");
  }));
  CHECK(contains(w.instarctl({"graph"}).out, "store  flow.store@1"));
  const auto lost = w.instarctl({"policy", "resume", "swop"});
  CHECK(lost.code == 3);
  CHECK(contains(lost.err, "did you mean 'swap'?"));
  const auto resumed = w.instarctl({"policy", "resume", "swap"});
  CHECK(resumed.code == 0);
  CHECK(resumed.out == "resumed swap\n");
  CHECK(eventually([&] { return contains(w.instarctl({"graph"}).out, "store  flow.store@2"); }));
  const auto paused = w.instarctl({"policy", "pause", "--all", "--json"});
  CHECK(paused.code == 0);
  const auto answers = json::parse(paused.out);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0]["name"] == "swap");
  CHECK(answers[0]["done"] == true);
  CHECK(policy_of(w)["paused"] == true);
  CHECK(contains(w.instarctl({"policy", "why"}).out, "paused by "));
}

TEST_CASE("refusals are told with their reason") {
  const workshop w;
  const auto daemon = w.serve(policy_graph(w));
  REQUIRE(eventually([&] { return policy_of(w)["place"] == "there"; }));
  // The next graph file has a policy that applies one with a mistake.
  const auto text = "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                    "\"]\narcs = [\"tick -> store\"]\n[operators]\n"
                    "tick = { type = \"flow.tick@1\" }\nstore = { type = \"flow.store@1\" }\n"
                    "swap = { type = \"instar.policy@1\", when = \"packets_in(store) > 1/s\", "
                    "for = \"0s\", every = \"20ms\", window = \"100ms\", cool_down = \"0s\", "
                    "apply = \"broken.toml\" }\n";
  w.file("broken.toml", "[graph]\nname = \"flow\"\nmodules = [\"" TEST_MODULES
                        "\"]\narcs = [\"tick -> store\"]\n[operators]\n"
                        "tick = { type = \"flow.tick@1\" }\n"
                        "store = { type = \"flow.store@2\", linger = \"soon\" }\n");
  CHECK(w.instarctl({"apply", w.file("next.toml", text), "-q"}).code == 0);
  REQUIRE(eventually([&] { return policy_of(w)["refusals"] >= 1; }));
  const auto why = w.instarctl({"policy", "why", "swap"}).out;
  CHECK(contains(why, "refused"));
  CHECK(contains(why, "'soon' is no duration"));
  CHECK(contains(w.instarctl({"graph"}).out, "store  flow.store@1"));
}

TEST_CASE("mistakes in a rule are told before anything runs, one line each") {
  const workshop w;
  const auto check = [&](const std::string& settings) {
    return w.instard({"--check", "--graph", policy_graph(w, settings)});
  };
  CHECK(check("").code == 0);
  const auto twice = check("back_when = \"packets_in(store) < 2/s\"\n"
                           "back_update = \"store=flow.store@1\"\nper_hour = 1\n");
  CHECK(twice.code == 2);
  CHECK(std::count(twice.err.begin(), twice.err.end(), '\n') == 2);
  CHECK(contains(twice.err, "policy.toml:10: operator 'swap': per_hour: leaves no room"));
  const auto unknown = check("back_when = \"packets_in(stare) < 1/min\"\n"
                             "back_update = \"store=flow.store@1\"\n");
  CHECK(unknown.code == 2);
  CHECK(contains(unknown.err, "operator 'swap': back_when: 'packets_in(stare)' names the operator "
                              "'stare', which is not in the graph; did you mean 'store'?"));
  const auto bare = w.instard(
      {"--check", "--graph", policy_graph(w), "--set", "swap.when=packets_in(store) > 5"});
  CHECK(bare.code == 2);
  CHECK(contains(bare.err, "'5' has no unit"));
  const auto wrong = w.instard({"--check", "--graph",
                                w.file("wrong.toml", "[graph]\narcs = []\n[operators]\n"
                                                     "p = { type = \"instar.polcy@1\" }\n")});
  CHECK(wrong.code == 2);
  CHECK(contains(wrong.err, "is not part of instar; did you mean 'instar.policy@1'?"));
}

TEST_CASE("what a policy remembers is in a checkpoint") {
  const workshop w;
  auto daemon = w.serve(policy_graph(w), {"--checkpoints", "saved"});
  REQUIRE(eventually([&] { return policy_of(w)["place"] == "there"; }));
  CHECK(w.instarctl({"policy", "pause", "swap"}).code == 0);
  REQUIRE(eventually([&] { return policy_of(w)["events"].size() == 2; }));
  CHECK(w.instarctl({"checkpoint", "-q"}).code == 0);
  const auto before = policy_of(w);
  daemon->signal(SIGKILL);
  daemon->wait();
  daemon = w.serve("", {"--restore", "saved"});
  REQUIRE(eventually([&] { return policy_of(w)["place"] == "there"; }));
  const auto after = policy_of(w);
  CHECK(after["paused"] == true);
  CHECK(after["paused_by"] == before["paused_by"]);
  CHECK(after["changes"] == 1);
  REQUIRE(after["events"].size() == 2);
  CHECK(after["events"][0]["cause"] == before["events"][0]["cause"]);
  CHECK(after["events"][0]["outcome"] == "committed");
}

TEST_CASE("the policy commands have help, exit codes, and an answer where there are no policies") {
  const workshop w;
  for (const auto* command : {"list", "why", "pause", "resume"}) {
    CHECK(w.instarctl({"policy", command, "--help"}).code == 0);
    auto given = std::vector<std::string>{"policy", command};
    if (std::string(command) == "pause" || std::string(command) == "resume")
      given.push_back("--all");
    CHECK(w.instarctl(given).code == 1); // nobody runs
  }
  CHECK(contains(w.instarctl({"policy", "--help"}).out, "instar.policy@1"));
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"policy"},
                                                                 {"policy", "stop"},
                                                                 {"policy", "pause"},
                                                                 {"policy", "resume"},
                                                                 {"policy", "pause", "a", "--all"}})
    CHECK(w.instarctl(wrong).code == 64);
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  CHECK(contains(w.instarctl({"policy", "list"}).out, "No policies."));
  CHECK(json::parse(w.instarctl({"policy", "list", "--json"}).out) == json::array());
  CHECK(contains(w.instarctl({"policy", "why"}).out, "No policies."));
  CHECK(w.instarctl({"policy", "pause", "--all"}).code == 0);
  const auto none = w.instarctl({"policy", "pause", "swap"});
  CHECK(none.code == 3);
  CHECK(contains(none.err, "there is no policy 'swap'; there are none"));
}

// -- the example ----------------------------------------------------------------------------------

namespace {

/// Asks an HTTP server again and again while it lives; every answer has to be a good one.
class requests {
public:
  explicit requests(std::uint16_t port) : port_(port), thread_([this] { run(); }) {}
  ~requests() {
    stop_ = true;
    thread_.join();
  }
  std::size_t failed() const { return failed_; }

private:
  void run() {
    while (!stop_) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port_);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const std::string ask = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      std::string got;
      char block[4096];
      if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
          ::send(fd, ask.data(), ask.size(), MSG_NOSIGNAL) > 0)
        for (ssize_t n = 0; (n = ::recv(fd, block, sizeof block, 0)) > 0;)
          got.append(block, static_cast<std::size_t>(n));
      ::close(fd);
      if (!got.starts_with("HTTP/1.1 200")) ++failed_;
    }
  }

  const std::uint16_t port_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> failed_ = 0;
  std::thread thread_;
};

} // namespace

TEST_CASE("the HTTP example goes to sendfile under load, and back when it is quiet") {
  const workshop w;
  CHECK(w.instard({"--check", "--graph", HTTP_GRAPH}).code == 0);
  // The same rule, for the load that a test can make.
  const auto daemon = w.serve(
      HTTP_GRAPH, {"--set", "accept.port=0", "--set", "nio.when=packets_in(load) > 20/s", "--set",
                   "nio.back_when=packets_in(load) < 5/s", "--set", "nio.for=200ms", "--set",
                   "nio.back_for=200ms", "--set", "nio.cool_down=0s", "--set", "nio.every=20ms",
                   "--set", "nio.window=200ms"});
  const auto said = daemon->out();
  const auto port = static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1)));
  const auto runs = [&](const std::string& load, const std::string& reply) {
    const auto graph = w.instarctl({"graph"}).out;
    return contains(graph, "load  " + load) && contains(graph, "reply  " + reply);
  };
  CHECK(runs("http.load@1", "http.reply@1"));
  {
    const requests load(port);
    CHECK(eventually([&] { return runs("http.load@2", "http.reply@2"); }));
    CHECK(load.failed() == 0);
  }
  CHECK(eventually([&] { return runs("http.load@1", "http.reply@1"); }));
  CHECK(eventually([&] { return policy_of(w)["changes"] == 2; }));
}

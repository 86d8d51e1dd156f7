#include "admin_world.hpp"

#include "actors/graph_text.hpp"
#include "lifecycle/admin_client.hpp"

#include <doctest/doctest.h>

#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <future>
#include <thread>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

std::string graph_now(admin_world& w) {
  std::promise<graph> got;
  w.running().current_graph([&](graph g) { got.set_value(std::move(g)); });
  return to_text(got.get_future().get());
}

bool eventually(const std::function<bool()>& what) {
  for (int i = 0; i < 1000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// A client of its own that traces until it is told that it is enough.
class tracing {
public:
  tracing(const admin_world& w, trace_request wanted) {
    over_ = std::async(std::launch::async, [this, at = w.socket(), wanted]() -> result<trace_end> {
      auto client = admin_client::connect(at);
      if (!client) return client.error();
      trace_watcher watch;
      watch.begun = [this](const std::string& arc, const std::string&) { on_.set_value(arc); };
      watch.packets = [this](const std::vector<traced_packet>& packets) {
        seen += packets.size();
        return !enough;
      };
      return (*client)->trace(wanted, watch);
    });
  }
  std::string on() { return on_.get_future().get(); }
  /// Without telling it.
  result<trace_end> wait() { return over_.get(); }
  result<trace_end> end() {
    enough = true;
    return over_.get();
  }

  std::atomic<bool> enough = false;
  std::atomic<std::size_t> seen = 0;

private:
  std::promise<std::string> on_;
  std::future<result<trace_end>> over_;
};

std::string refusal(admin_world& w, trace_request wanted) {
  const auto end = w.client()->trace(wanted, {});
  return end ? "" : end.error().message;
}

} // namespace

TEST_CASE("a client sees packets of an arc, and afterwards the graph is what it was") {
  admin_world w;
  w.apply("test.sink@1");
  const auto before = graph_now(w);
  std::vector<traced_packet> seen;
  trace_watcher watch;
  watch.packets = [&](const std::vector<traced_packet>& packets) {
    seen.insert(seen.end(), packets.begin(), packets.end());
    return seen.size() < 20;
  };
  std::string during;
  watch.begun = [&](const std::string& arc, const std::string& on_it) {
    CHECK(arc == "tick.out -> sink.in");
    during = graph_now(w);
    CHECK(during.find("tick.out -> " + on_it + ".in") != std::string::npos);
  };
  const auto end = w.client()->trace({"tick -> sink"}, watch);
  if (!end) FAIL(end.error().message);
  CHECK(end->removed.empty());
  CHECK(end->totals.packets == seen.size()); // the last ones come before the answer
  CHECK(end->totals.left_out == 0);
  CHECK(seen[0].gap.count() == -1);
  CHECK(seen[0].payload == "test.number");
  for (std::size_t i = 1; i < seen.size(); ++i) {
    CHECK(seen[i].gap.count() >= 0);
    CHECK(seen[i].when == seen[i - 1].when + seen[i].gap);
  }
  CHECK(during != before);
  CHECK(graph_now(w) == before);
}

TEST_CASE("a client that is killed leaves nothing on the arc, be there packets or none") {
  admin_world w;
  std::string every;
  SUBCASE("packets") { every = "1ms"; }
  SUBCASE("none") { every = "1h"; } // nobody finds the sink broken
  auto text = admin_world::graph_of("test.sink@1");
  text.insert(text.find("[operators.sink]"), "every = \"" + every + "\"\n");
  REQUIRE(w.client()->apply(graph_text{text, "/somewhere/world.toml", {}, "/somewhere"}, 5s));
  const auto before = graph_now(w);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) { // only what a process with a copy of one thread may do: a client of its own
    const auto client = admin_client::connect(w.socket());
    if (client) (void)(*client)->trace({"tick -> sink"}, {});
    ::_exit(1);
  }
  REQUIRE(eventually([&] { return graph_now(w) != before; }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(eventually([&] { return graph_now(w) == before; }));
  CHECK(w.answers());
}

TEST_CASE("several trace at a time, also one arc, and each leaves with its own") {
  admin_world w;
  w.apply("test.sink@1");
  const auto before = graph_now(w);
  tracing first(w, {"tick -> sink"});
  CHECK(first.on() == "tick.out -> sink.in");
  const auto again = refusal(w, {"tick -> sink"});
  CHECK(again.find("is traced already, by ") != std::string::npos);
  CHECK(again.find("'tick.out -> trace:1.in' or 'trace:1.out -> sink.in'") != std::string::npos);
  tracing second(w, {"trace:1 -> sink"});
  CHECK(second.on() == "trace:1.out -> sink.in");
  CHECK(eventually([&] { return first.seen > 5 && second.seen > 5; }));
  REQUIRE(first.end());
  CHECK(eventually([&] { return second.seen > 10; }));
  REQUIRE(second.end());
  CHECK(graph_now(w) == before);
}

TEST_CASE("there is a limit to traces, and to what they may be asked") {
  admin_world w;
  w.apply("test.sink@1");
  CHECK(refusal(w, {"tick -> snk"}).find("did you mean 'tick -> sink'?") != std::string::npos);
  CHECK(refusal(w, {"tick"}).find("is no arc") != std::string::npos);
  CHECK(refusal(w, {std::string(1'000'000, 'x')}).find("such a long name") != std::string::npos);
  CHECK(refusal(w, {"tick -> sink", 2h}).find("at most 1h") != std::string::npos);
  CHECK(refusal(w, {"tick -> sink", 0s, 1.5}).find("a probability") != std::string::npos);
  CHECK(refusal(w, {"tick -> sink", 0s, 0, 1, 48h}).find("24h") != std::string::npos);
  const auto before = graph_now(w);
  std::vector<std::unique_ptr<tracing>> many;
  std::string arc = "tick -> sink";
  for (int i = 0; i < 16; ++i) {
    many.push_back(std::make_unique<tracing>(w, trace_request{arc}));
    many.back()->on();
    const auto text = graph_now(w);
    const auto at = text.rfind("trace:", text.find(".out -> sink.in"));
    arc = text.substr(at, text.find('.', at) - at) + " -> sink";
  }
  CHECK(refusal(w, {arc}).find("16 traces already") != std::string::npos);
  for (auto& each : many) CHECK(each->end());
  CHECK(graph_now(w) == before);
}

TEST_CASE("who traces is told when somebody else's graph has taken the operator away") {
  admin_world w;
  w.apply("test.sink@1");
  tracing one(w, {"tick -> sink"});
  one.on();
  CHECK(w.client()->apply(std::vector<operator_update>{{"sink", "test.sink", 2}}, 5s)->outcome ==
        transition_outcome::committed);
  const auto seen = one.seen.load();
  CHECK(eventually([&] { return one.seen > seen; })); // still there
  w.apply("test.sink@1");
  const auto end = one.wait();
  if (!end) FAIL(end.error().message);
  CHECK(end->removed.find("transition 4 of ") == 0);
  CHECK(end->removed.find("- trace:1") != std::string::npos);
  CHECK(graph_now(w).find("trace") == std::string::npos);
}

TEST_CASE("what is not taken off at first is taken off later") {
  admin_world w;
  captured_log log;
  w.apply("test.sink@1");
  const auto before = graph_now(w);
  tracing one(w, {"tick -> sink", 500ms}); // so long it takes until the held packets have left
  one.on();
  CHECK(eventually([&] { return one.seen > 5; }));
  one.enough = true;
  const auto client = w.client();
  CHECK(eventually([&] {
    const auto answers = client->cancel(0);
    return answers && answers->size() == 1 && answers->front().refusal.empty();
  }));
  CHECK(one.wait());
  CHECK(log.lines_with("cannot be taken off tick.out -> sink.in yet") >= 1);
  CHECK(graph_now(w) == before);
}

TEST_CASE("a delay may be longer than a transition usually takes") {
  admin_world w;
  w.apply("test.sink@1");
  const auto before = graph_now(w);
  tracing one(w, {"tick -> sink", 6s});
  one.on();
  CHECK(eventually([&] { return one.seen > 5; }));
  CHECK(one.end());
  CHECK(graph_now(w) == before);
}

TEST_CASE("the server takes everything off when it stops") {
  admin_world w;
  w.apply("test.sink@1");
  const auto before = graph_now(w);
  tracing one(w, {"tick -> sink"});
  one.on();
  w.server().stop();
  CHECK(eventually([&] { return graph_now(w) == before; }));
  const auto end = one.wait();
  REQUIRE(end);
  CHECK(end->removed == "the service has closed the connection");
}

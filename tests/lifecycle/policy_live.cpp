// Policies in a service as users run it: real threads, real load, the real clock.
#include "lifecycle/operator_library.hpp"
#include "lifecycle/policy_desk.hpp"
#include "lifecycle/service.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace std::chrono_literals;

namespace {

struct number : payload {
  static constexpr std::string_view payload_name = "test.number";
  explicit number(std::uint64_t n) : value(n) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t value;
};

struct tally {
  static constexpr std::string_view resource_name = "test.tally";
  std::atomic<bool> flows{false}, stop{false};
  std::atomic<std::uint64_t> emitted{0}, arrived{0}, wrong{0};
};

/// Emits numbers as fast as they are taken, while they shall flow; looks every millisecond else.
class spring : public operator_base {
public:
  static constexpr out_port<number> out{0, "out"};
  static constexpr operator_type type{.name = "test.spring", .version = 1, .outputs = {out}};

  void on_start(context& ctx) override { go_on(ctx); }
  void on_timer(context& ctx, std::uint64_t) override { ctx.events()->post(event{}); }
  void on_events(context& ctx, std::span<event>) override {
    auto& t = ctx.host<tally>();
    for (int i = 0; i < 20 && t.flows && !t.stop; ++i)
      ctx.emit(out, make_payload<number>(++t.emitted));
    go_on(ctx);
  }
  void on_packet(context&, std::size_t, packet) override {}

private:
  void go_on(context& ctx) {
    auto& t = ctx.host<tally>();
    if (t.stop) return;
    if (t.flows) ctx.events()->post(event{});
    else ctx.set_timer(1ms, 0);
  }
};

/// Passes numbers on. Version 3 cannot be made.
template <std::uint32_t Version>
class work : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr out_port<number> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.work", .version = Version, .inputs = {in}, .outputs = {out}};

  work() {
    if (Version == 3) throw std::runtime_error("version 3 is broken");
  }
  void on_packet(context& ctx, std::size_t, packet p) override {
    ctx.emit_packet(out.index, std::move(p));
  }
};

class pool : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr operator_type type{.name = "test.pool", .version = 1, .inputs = {in}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    auto& t = ctx.host<tally>();
    t.wrong += p.as<number>().value != ++t.arrived;
  }
};

/// A service `spring -> work -> pool` with the policy `swap`: `work@2` under load, else `work@1`.
class world {
public:
  using texts = std::vector<std::pair<std::string, std::string>>;

  world() {
    auto library = std::make_shared<host_library>();
    library->add<spring>();
    library->add<work<1>>();
    library->add<work<2>>();
    library->add<work<3>>();
    library->add<pool>();
    service_options options;
    options.workers = 2;
    options.operators = std::move(library);
    service_ = std::make_unique<service>(std::move(options));
    service_->offer(tally::resource_name, &counts);
  }
  ~world() { counts.stop = true; }

  service& running() { return *service_; }

  static texts rule(const texts& more = {}) {
    texts all{{"when", "packets_in(work) > 100/s"},
              {"for", "20ms"},
              {"update", "work=test.work@2"},
              {"back_when", "packets_in(work) < 10/s"},
              {"back_for", "20ms"},
              {"back_update", "work=test.work@1"},
              {"cool_down", "0s"},
              {"per_hour", "1000"},
              {"every", "5ms"},
              {"window", "50ms"}};
    for (const auto& one : more) {
      const auto same =
          std::find_if(all.begin(), all.end(), [&](const auto& a) { return a.first == one.first; });
      if (same == all.end()) all.push_back(one);
      else same->second = one.second;
    }
    return all;
  }

  static graph graph_with(const texts& settings, std::uint32_t version = 1) {
    graph g;
    g.name = "live";
    const auto add = [&](const char* name, const char* type, std::uint32_t v) -> operator_node& {
      auto& op = g.operators.emplace_back();
      op.name = name;
      op.type = type;
      op.version = v;
      return op;
    };
    add("spring", "test.spring", 1);
    add("work", "test.work", version);
    add("pool", "test.pool", 1);
    auto& swap = add("swap", "instar.policy", 1);
    for (const auto& one : settings) swap.values.set(one.first, one.second);
    g.arcs = {{"spring", "out", "work", "in", 64}, {"work", "out", "pool", "in", 64}};
    return g;
  }

  history_entry apply(graph g) {
    std::promise<history_entry> done;
    service_->apply({std::move(g), "test", {}}, [&](history_entry e) { done.set_value(e); });
    return done.get_future().get();
  }
  void must_apply(graph g) {
    const auto e = apply(std::move(g));
    REQUIRE_MESSAGE(e.outcome == transition_outcome::committed, e.reason);
  }

  std::vector<history_entry> history() {
    std::promise<std::vector<history_entry>> done;
    service_->history([&](auto h) { done.set_value(std::move(h)); });
    return done.get_future().get();
  }
  std::vector<history_entry> by_policy() {
    auto all = history();
    std::erase_if(all, [](const history_entry& e) { return e.who != "policy swap"; });
    return all;
  }
  service_status status() {
    std::promise<service_status> done;
    service_->status([&](auto s) { done.set_value(std::move(s)); });
    return done.get_future().get();
  }
  std::string version_of_work() {
    for (const auto& o : status().operators)
      if (o.name == "work") return o.reference;
    return {};
  }
  policy_status swap() {
    const auto all = service_->policies().list();
    return all.empty() ? policy_status() : all.front();
  }

  /// Stops the flow and the service; everything that was sent has arrived, in order.
  void check_flow() {
    counts.stop = true;
    std::promise<history_entry> done;
    service_->stop("test", 60s, [&](history_entry e) { done.set_value(e); });
    CHECK(done.get_future().get().reason == "");
    CHECK(counts.arrived == counts.emitted);
    CHECK(counts.wrong == 0);
  }

  tally counts;

private:
  std::unique_ptr<service> service_;
};

bool eventually(const std::function<bool()>& what) {
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (!what()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

} // namespace

TEST_CASE("a policy swaps an operator under real load, and back, and nothing is lost") {
  world w;
  w.must_apply(w.graph_with(w.rule()));
  for (int round = 1; round <= 5; ++round) {
    w.counts.flows = true;
    REQUIRE(eventually([&] { return w.version_of_work() == "test.work@2"; }));
    w.counts.flows = false;
    REQUIRE(eventually([&] { return w.version_of_work() == "test.work@1"; }));
  }
  REQUIRE(eventually([&] { return w.swap().changes >= 10; }));
  const auto changes = w.by_policy();
  REQUIRE(changes.size() >= 10);
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CHECK(changes[i].outcome == transition_outcome::committed);
    CHECK(contains(changes[i].what,
                   i % 2 ? "test.work@2 -> test.work@1" : "test.work@1 -> test.work@2"));
    CHECK(contains(changes[i].cause, "packets_in(work) is "));
    CHECK(contains(changes[i].cause, i % 2 ? "(< 10/s) for " : "(> 100/s) for "));
  }
  const auto told = w.swap().events;
  REQUIRE(told.size() == changes.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    CHECK(told[i].transition == changes[i].id);
    CHECK(told[i].epoch == changes[i].epoch);
    CHECK(told[i].cause == changes[i].cause);
    CHECK(told[i].outcome == "committed");
  }
  w.check_flow();
}

TEST_CASE("a policy survives updates of itself, with its cool-down and what it did") {
  world w;
  w.must_apply(w.graph_with(w.rule()));
  w.counts.flows = true;
  REQUIRE(eventually([&] { return w.version_of_work() == "test.work@2"; }));
  w.must_apply(w.graph_with(w.rule({{"cool_down", "1h"}}), 2));
  w.counts.flows = false;
  CHECK(eventually([&] { return contains(w.swap().state, "cool-down, "); }));
  for (int i = 0; i < 20; ++i) { // again and again, while it looks
    w.must_apply(w.graph_with(w.rule({{"cool_down", i % 2 ? "1h" : "2h"}}), 2));
    CHECK(w.version_of_work() == "test.work@2");
  }
  CHECK(eventually([&] { return contains(w.swap().state, "cool-down, "); }));
  CHECK(w.swap().changes == 1);
  REQUIRE(w.swap().events.size() == 1);
  CHECK(w.swap().events[0].kind == "there");
  CHECK(w.by_policy().size() == 1);
  w.must_apply(w.graph_with(w.rule({{"cool_down", "1ms"}}), 2));
  CHECK(eventually([&] { return w.version_of_work() == "test.work@1"; }));
  CHECK(eventually([&] { return w.swap().changes == 2; }));
  w.check_flow();
}

TEST_CASE("a paused policy does nothing, over its updates too, until it is resumed") {
  world w;
  w.must_apply(w.graph_with(w.rule()));
  REQUIRE(eventually([&] { return w.swap().place == "home"; }));
  const auto answers = w.running().policies().pause({"swap", "swop"}, true, "bob(3)");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].refusal == "");
  CHECK(answers[1].refusal == "there is no policy 'swop'; did you mean 'swap'?");
  CHECK(w.swap().state == "paused by bob(3)");
  w.counts.flows = true;
  const auto holds = [&] {
    const auto seen = w.swap();
    return seen.paused && seen.measures.size() == 1 && seen.measures[0].holds;
  };
  REQUIRE(eventually(holds));
  w.must_apply(w.graph_with(w.rule({{"per_hour", "900"}})));
  REQUIRE(eventually(holds));
  const auto looks = w.counts.arrived.load();
  CHECK(eventually([&] { return w.counts.arrived > looks + 10'000; }));
  CHECK(w.by_policy().empty());
  CHECK(w.swap().paused_by == "bob(3)");
  CHECK(w.running().policies().pause({}, false, "alice(4)").size() == 1);
  CHECK(eventually([&] { return w.version_of_work() == "test.work@2"; }));
  REQUIRE(eventually([&] { return w.swap().events.size() == 3; }));
  CHECK(w.swap().events[0].cause == "by bob(3)");
  CHECK(w.swap().events[1].cause == "by alice(4)");
  w.check_flow();
}

TEST_CASE("a refusal is told with its reason, and the policy backs off") {
  world w;
  w.must_apply(w.graph_with(w.rule({{"update", "work=test.work@3"}})));
  w.counts.flows = true;
  REQUIRE(eventually([&] { return w.swap().refusals >= 1; }));
  const auto refused = w.by_policy();
  REQUIRE(!refused.empty());
  CHECK(refused[0].outcome == transition_outcome::refused);
  CHECK(contains(refused[0].reason, "version 3 is broken"));
  CHECK(contains(refused[0].cause, "packets_in(work) is "));
  const auto told = w.swap();
  REQUIRE(!told.events.empty());
  CHECK(told.events[0].outcome == "refused");
  CHECK(contains(told.events[0].reason, "version 3 is broken"));
  CHECK(told.changes == 0);
  CHECK(eventually([&] { return contains(w.swap().state, "times, asks again in "); }));
  CHECK(w.version_of_work() == "test.work@1");
  w.check_flow();
}

TEST_CASE("a change by hand makes the policy wait for its cool-down") {
  world w;
  w.must_apply(w.graph_with(w.rule({{"cool_down", "1h"}})));
  REQUIRE(eventually([&] { return w.swap().place == "home"; }));
  std::promise<history_entry> done;
  w.running().update({{"work", "test.work", 2}}, "bob(3)", 5s,
                     [&](history_entry e) { done.set_value(e); });
  CHECK(done.get_future().get().outcome == transition_outcome::committed);
  CHECK(eventually([&] { return contains(w.swap().state, "cool-down, "); }));
  REQUIRE(w.swap().events.size() == 1);
  CHECK(w.swap().events[0].kind == "changed");
  CHECK(w.by_policy().empty());
  w.check_flow();
}

TEST_CASE("a policy applies graph files, in which it stands itself, and goes back") {
  const temporary_folder folder;
  const auto file = [&](const std::string& name, int version) {
    const auto path = folder.path() / name;
    std::ofstream(path)
        << "[graph]\nname = \"live\"\narcs = [\"spring -> work -> pool\"]\n[operators]\n"
           "spring = { type = \"test.spring@1\" }\npool = { type = \"test.pool@1\" }\n"
           "work = { type = \"test.work@"
        << version
        << "\" }\n[operators.swap]\ntype = \"instar.policy@1\"\n"
           "when = \"packets_in(work) > 100/s\"\nfor = \"20ms\"\napply = \"busy.toml\"\n"
           "back_when = \"packets_in(work) < 10/s\"\nback_apply = \"quiet.toml\"\n"
           "cool_down = \"0s\"\nper_hour = 1000\nevery = \"5ms\"\nwindow = \"50ms\"\n";
    return path;
  };
  const auto quiet = file("quiet.toml", 1), busy = file("busy.toml", 2);
  auto read = read_graph(quiet);
  for (const auto& m : read.mistakes) FAIL(m.message);
  world w;
  w.must_apply(read.content);
  for (int round = 0; round < 3; ++round) {
    w.counts.flows = true;
    REQUIRE(eventually([&] { return w.status().graph_file == busy.string(); }));
    CHECK(w.version_of_work() == "test.work@2");
    w.counts.flows = false;
    REQUIRE(eventually([&] { return w.status().graph_file == quiet.string(); }));
    CHECK(w.version_of_work() == "test.work@1");
  }
  CHECK(eventually([&] { return w.swap().changes == 6; }));
  // One that cannot be read any more: refused, and told.
  std::ofstream(busy) << "[graph";
  w.counts.flows = true;
  CHECK(eventually([&] { return w.swap().refusals >= 1; }));
  CHECK(contains(w.swap().events.back().reason, "not TOML"));
  CHECK(w.swap().events.back().outcome == "refused");
  w.check_flow();
}

TEST_CASE("a rule that does not fit its graph is refused, and what runs goes on") {
  world w;
  w.must_apply(w.graph_with(w.rule()));
  const auto e = w.apply(w.graph_with(w.rule({{"when", "packets_in(wurk) > 100/s"}})));
  CHECK(e.outcome == transition_outcome::refused);
  CHECK(e.reason == "operator 'swap': when: 'packets_in(wurk)' names the operator 'wurk', which is "
                    "not in the graph; did you mean 'work'?");
  w.counts.flows = true;
  CHECK(eventually([&] { return w.version_of_work() == "test.work@2"; }));
  w.check_flow();
}

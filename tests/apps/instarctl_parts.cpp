#include "apps/instarctl/flow_order.hpp"
#include "apps/instarctl/json.hpp"
#include "apps/instarctl/progress.hpp"
#include "apps/instarctl/rates.hpp"
#include "apps/instarctl/text.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace instar;
using namespace instar::instarctl;
using namespace std::chrono_literals;

namespace {

service_status look(std::uint64_t packets, std::uint64_t busy_ns, std::size_t queued) {
  service_status s;
  s.name = "shop";
  operator_status op;
  op.name = "load";
  op.packets_in = packets;
  op.packets_out = packets * 2;
  op.busy_ns = busy_ns;
  s.operators = {op};
  s.arcs = {{"parse.out -> load.in", "", 64, queued},
            {"other.out -> load.more", "", 16, 20},
            {"load.out -> loader.in", "", 64, 64}};
  return s;
}

} // namespace

TEST_CASE("rates are what grew between two looks, divided by the time") {
  const auto rates = rates_between(look(100, 1'000'000'000, 0), look(1100, 2'000'000'000, 14), 2s);
  REQUIRE(rates.size() == 1);
  CHECK(rates[0].packets_in_per_s == doctest::Approx(500));
  CHECK(rates[0].packets_out_per_s == doctest::Approx(1000));
  CHECK(rates[0].busy_percent == doctest::Approx(50));
}

TEST_CASE("queues and credits are those of the arcs that lead to the operator") {
  const auto rates = rates_between(look(0, 0, 0), look(0, 0, 14), 1s);
  CHECK(rates[0].queued == 14 + 20);
  // More than the capacity may wait for a moment; that is no negative credit.
  CHECK(rates[0].credits == 50);
}

TEST_CASE("counters that went back, and operators that are new, count from zero") {
  CHECK(rates_between(look(1000, 0, 0), look(30, 0, 0), 1s)[0].packets_in_per_s ==
        doctest::Approx(30));
  CHECK(rates_between(service_status{}, look(30, 0, 0), 1s)[0].packets_in_per_s ==
        doctest::Approx(30));
}

TEST_CASE("of each replica its share is told, and a key that has more than that") {
  service_status before, after;
  for (std::uint32_t i = 0; i < 4; ++i) {
    operator_status op;
    op.name = "store:" + std::to_string(i) + "/4";
    op.replica_of = "store";
    op.replicas = 4;
    before.operators.push_back(op);
    op.packets_in = i == 2 ? 700 : 100;
    op.hot_key = 0xabc;
    op.hot_share = i == 2 ? 0.4 : 0.2;
    after.operators.push_back(op);
  }
  after.operators.emplace_back().name = "alone";
  const auto rates = rates_between(before, after, 1s);
  REQUIRE(rates.size() == 5);
  CHECK(rates[0].share_percent == doctest::Approx(10));
  CHECK(rates[2].share_percent == doctest::Approx(70));
  CHECK(rates[4].share_percent < 0);
  CHECK(rates[0].hot_key.empty());
  CHECK(rates[2].hot_key == "0xabc 40%");
  CHECK(to_text(after, rates).find("HOT KEY") != std::string::npos);
  CHECK(to_json(after, rates)["operators"][2]["hot_key"] == "0xabc 40%");
  CHECK_FALSE(to_json(after, rates)["operators"][4].contains("share_percent"));
}

TEST_CASE("operators and arcs are listed in the direction of the flow") {
  service_status s;
  for (const auto* name : {"compose", "fast", "accept", "slow", "alone"}) {
    s.operators.emplace_back();
    s.operators.back().name = name;
  }
  for (const auto* name : {"fast.o -> compose.i", "slow.o -> compose.i", "accept.o -> slow.i",
                           "accept.o -> fast.i", "fast.o -> slow.i"})
    s.arcs.push_back({name, "", 1, 0});
  sort_by_flow(s);
  std::string order;
  for (const auto& op : s.operators) order += op.name + " ";
  CHECK(order == "accept alone fast slow compose ");
  CHECK(s.arcs.front().name == "accept.o -> slow.i");
  CHECK(s.arcs.back().name == "slow.o -> compose.i");
}

TEST_CASE("arcs that lead back do not count for the direction of the flow") {
  service_status s;
  for (const auto* name : {"turn", "sink", "source"}) {
    s.operators.emplace_back();
    s.operators.back().name = name;
  }
  s.arcs = {{"turn.again -> source.i", "", 1, 0, true},
            {"source.o -> turn.i", "", 1, 0},
            {"turn.o -> sink.i", "", 1, 0}};
  sort_by_flow(s);
  std::string order;
  for (const auto& op : s.operators) order += op.name + " ";
  CHECK(order == "source turn sink ");
  CHECK(to_json(s)["arcs"][1]["feedback"] == true);
  CHECK(to_json(s)["arcs"][0]["feedback"] == false);
  CHECK(to_text(s).find("turn.again -> source.i (feedback)") != std::string::npos);
}

TEST_CASE("names that are no arcs, and cycles, do not confuse the order") {
  service_status s;
  s.operators.resize(2);
  s.operators[0].name = "a";
  s.operators[1].name = "b";
  s.arcs = {{"a.o -> b.i", "", 1, 0}, {"b.o -> a.i", "", 1, 0}, {"nonsense", "", 1, 0}};
  sort_by_flow(s);
  CHECK(s.operators.size() == 2);
  CHECK(s.arcs.size() == 3);
}

TEST_CASE("tables are aligned, numbers to the right") {
  CHECK(table({{"NAME", ">COUNT"}, {"a", "1"}, {"longer", "12345678"}}) == "NAME       COUNT\n"
                                                                           "a              1\n"
                                                                           "longer  12345678\n");
  CHECK(table({}).empty());
}

TEST_CASE("times and counts are short") {
  CHECK(time_text(0ns) == "0");
  CHECK(time_text(1500ns) == "1.5 us");
  CHECK(time_text(310us) == "310.0 us");
  CHECK(time_text(31ms) == "31.00 ms");
  CHECK(time_text(4200ms) == "4.20 s");
  CHECK(count_text(9999) == "9999");
  CHECK(count_text(12345) == "12.3k");
  CHECK(count_text(4.5e6) == "4.50M");
}

TEST_CASE("moments are ISO 8601 in UTC") {
  CHECK(iso_time(std::chrono::system_clock::time_point(1'700'000'000'007ms)) ==
        "2023-11-14T22:13:20.007Z");
  CHECK(iso_time(std::chrono::system_clock::time_point(0ms)) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("the outcome of a transition tells reason and times") {
  history_entry e;
  e.epoch = 4;
  e.what = "load: l@1 -> l@2";
  e.outcome = transition_outcome::rolled_back;
  e.reason = "the deadline has passed";
  e.steps = {{"plan", 1ms}, {"mark", 2ms}};
  CHECK(outcome_text(e) == "rolled back, epoch 4: load: l@1 -> l@2\n"
                           "  reason: the deadline has passed\n"
                           "  took 3.00 ms: plan 1.00 ms, mark 2.00 ms\n");
  e.outcome = transition_outcome::committed;
  e.reason.clear();
  e.mark_to_commit = 400us;
  CHECK(outcome_text(e).ends_with("first marker to commit: 400.0 us\n"));
  const auto json = to_json(e);
  CHECK(json["steps"]["mark_ms"] == 2.0);
  CHECK(json["mark_to_commit_ms"] == 0.4);
}

TEST_CASE("progress is a line for each step and each reason to wait, or one line that is renewed") {
  service_status s;
  transition_status ahead, mine;
  ahead.id = 6;
  mine.id = 7;
  mine.step = "waiting";
  s.transitions = {ahead, mine};
  history_entry e;
  e.steps = {{"plan", 1ms}, {"prepare", 2ms}, {"mark", 3ms}};

  progress lines(progress::style::lines), terminal(progress::style::terminal, 40);
  progress silent(progress::style::none);
  CHECK(lines.on_status(s).empty()); // it has no id yet
  for (auto* p : {&lines, &terminal, &silent}) p->begun(7);
  CHECK(lines.on_status(s) == "  waits for 1 other\n");
  CHECK(lines.on_status(s).empty());
  CHECK(terminal.on_status(s) == "\r\x1b[K  waits for 1 other");
  s.transitions[1].step = "mark";
  s.transitions[1].waiting_for = "operator 'a' says not yet";
  s.transitions[1].steps = {{"plan", 1ms}, {"prepare", 2ms}};
  CHECK(lines.on_status(s) == "  plan 1.00 ms\n  prepare 2.00 ms\n"
                              "  mark ... operator 'a' says not yet\n");
  CHECK(lines.on_status(s).empty());
  const auto cut = terminal.on_status(s);
  CHECK(cut == "\r\x1b[K  plan 1.00 ms, prepare 2.00 ms, mar...");
  CHECK(silent.on_status(s).empty());
  CHECK(lines.on_outcome(e) == "  mark 3.00 ms\n");
  CHECK(terminal.on_outcome(e) == "\r\x1b[K");
  CHECK(silent.on_outcome(e).empty());
  CHECK(lines.on_status(service_status{}).empty());
}

TEST_CASE("what runs and what waits is listed with its id") {
  service_status s;
  s.transitions.push_back({7, 4, "root(1)", "load: 1 -> 2", "mark", "operator 'a' waits", {}});
  s.transitions.push_back({8, 0, "bob(2)", "x.toml", "waiting", "", {}});
  const auto text = to_text(s);
  CHECK(text.find("TRANSITION  EPOCH  STEP     WHO      WHAT\n"
                  "         7      4  mark     root(1)  load: 1 -> 2; operator 'a' waits\n"
                  "         8      -  waiting  bob(2)   x.toml\n") != std::string::npos);
  CHECK(to_json(s)["transitions"][0]["id"] == 7);
  CHECK(begun_text(7) == "transition 7 (instarctl cancel 7 gives it up)\n");
  CHECK(begun_text(0).empty());
}

TEST_CASE("text that is no UTF-8 does not break the JSON") {
  service_status s;
  s.name = "\xff\xfe";
  CHECK(nlohmann::json::accept(dump(to_json(s))));
}

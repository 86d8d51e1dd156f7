#include "checkpoint_world.hpp"
#include "protocol_world.hpp"

#include "lifecycle/trace_tap.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <sstream>

using namespace instar;
using namespace instar::test;

namespace {

using policy = feedback_policy;
using lines = std::vector<std::string>;

constexpr std::uint64_t total = 6;

std::string type_of(const std::string& name, const std::string& server) {
  for (const auto* kind : {"source", "sink", "asker", "caller", "peer"})
    if (name.starts_with(kind)) return std::string("test.") + kind;
  if (name.starts_with("tap")) return std::string(trace_tap::type.name);
  return server;
}

/// A graph of arcs "a.out -> b.in", or "… drain" and "… hand_over" for feedback arcs; "a was b"
/// names an operator that goes on. `server` is the type of those that are asked.
graph made(const lines& arcs, const std::string& server, std::size_t capacity = 2) {
  graph g;
  g.name = "test";
  const auto end = [&](const std::string& text, std::string& name, std::string& port) {
    const auto dot = std::min(text.find('.'), text.size());
    name = text.substr(0, dot);
    port = dot < text.size() ? text.substr(dot + 1) : "";
    if (g.find(name)) return;
    operator_node op;
    op.name = name;
    op.type = type_of(name, server);
    op.version = 1;
    g.operators.push_back(std::move(op));
  };
  for (const auto& line : arcs) {
    std::istringstream words(line);
    std::string from, arrow, to, feedback;
    words >> from >> arrow >> to >> feedback;
    if (arrow == "was") {
      for (auto& op : g.operators)
        if (op.name == from) op.was = to;
      continue;
    }
    arc_node a;
    end(from, a.from, a.from_port);
    end(to, a.to, a.to_port);
    a.capacity = capacity;
    if (feedback == "drain") a.feedback = policy::drain;
    if (feedback == "hand_over") a.feedback = policy::hand_over;
    g.arcs.push_back(std::move(a));
  }
  return g;
}

const lines one_asks{"source.out -> asker.in", "asker.out -> sink.in", "asker.ask -> server.asked"};
const lines one_calls{"caller.out -> sink.in", "caller.ask -> server.asked"};
const lines two_ask{"source.out -> asker.in",    "asker.out -> sink.in",
                    "source2.out -> asker2.in",  "asker2.out -> sink.in",
                    "asker.ask -> server.asked", "asker2.ask -> server.asked"};
/// With operators that pass on whatever comes, on the way there and back.
const lines tapped{"source.out -> asker.in", "asker.out -> sink.in", "asker.ask -> tap.in",
                   "tap.out -> server.asked"};
const lines tapped_twice{"source.out -> asker.in",
                         "asker.out -> sink.in",
                         "asker.ask -> tap.in",
                         "tap.out -> tap2.in",
                         "tap2.out -> server.asked",
                         "server.answer -> tap3.in",
                         "tap3.out -> asker.told hand_over"};
/// Each asks the other.
const lines peers{"source.out -> peer_l.in",    "source2.out -> peer_r.in",
                  "peer_l.out -> sink.in",      "peer_r.out -> sink.in",
                  "peer_l.ask -> peer_r.asked", "peer_r.ask -> peer_l.asked hand_over"};
const lines peers_drain{"source.out -> peer_l.in",
                        "source2.out -> peer_r.in",
                        "peer_l.out -> sink.in",
                        "peer_r.out -> sink.in",
                        "peer_l.ask -> peer_r.asked",
                        "peer_r.ask -> peer_l.asked drain",
                        "peer_r.answer -> peer_l.told drain"};

/// `arcs` with the answers to who asks `drain`ed.
lines drained(lines arcs) {
  for (std::size_t i = arcs.size(); i-- > 0;) {
    if (const auto told = arcs[i].find(".told hand_over"); told != std::string::npos)
      arcs[i].replace(told, std::string::npos, ".told drain");
    const auto ask = arcs[i].find(".ask -> ");
    if (ask == std::string::npos || arcs[i].find("peer") != std::string::npos) continue;
    if (arcs == tapped) arcs.push_back("server.answer -> asker.told drain");
    if (arcs[i].find("tap") != std::string::npos) continue;
    const auto asker = arcs[i].substr(0, ask);
    const auto server = arcs[i].substr(ask + 8, arcs[i].find('.', ask + 8) - ask - 8);
    arcs.push_back(server + ".answer -> " + asker + ".told drain");
  }
  return arcs;
}

struct scenario {
  const char* name;
  lines before;
  std::vector<std::string> changed; ///< to version 2, as one atomic set; or else:
  lines after{};
  std::size_t capacity_after = 2;
  bool ends = false; ///< some of those who ask end, or have nobody to ask any more
};

std::vector<scenario> scenarios() {
  const lines moved{"source.out -> asker.in", "asker.out -> sink.in", "asker.ask -> server2.asked"};
  const lines one_moved{"source.out -> asker.in",     "asker.out -> sink.in",
                        "source2.out -> asker2.in",   "asker2.out -> sink.in",
                        "asker.ask -> server2.asked", "asker2.ask -> server.asked"};
  return {
      {"who asks", one_asks, {"asker"}},
      {"who is asked", one_asks, {"server"}},
      {"both", one_asks, {"asker", "server"}},
      {"all", one_asks, {"source", "asker", "server", "sink"}},
      {"who asks by itself", one_calls, {"caller"}},
      {"who is asked by who asks by itself", one_calls, {"server"}},
      {"both, one asks by itself", one_calls, {"caller", "server"}},
      {"one of two who ask", two_ask, {"asker2"}},
      {"who is asked by two", two_ask, {"server"}},
      {"all who ask and are asked", two_ask, {"asker", "asker2", "server"}},
      {"another server", one_asks, {}, moved},
      {"another server for who asks by itself",
       one_calls,
       {},
       {"caller.out -> sink.in", "caller.ask -> server2.asked"}},
      {"another server for one of two", two_ask, {}, one_moved},
      {"other credit", one_asks, {}, one_asks, 5},
      {"who asks ends", one_asks, {}, {"source.out -> sink.in"}, 2, true},
      {"one of two who ask ends",
       two_ask,
       {},
       {"source.out -> asker.in", "asker.out -> sink.in", "source2.out -> sink.in",
        "asker.ask -> server.asked"},
       2,
       true},
      {"who is asked ends",
       one_asks,
       {},
       {"source.out -> asker.in", "asker.out -> sink.in"},
       2,
       true},
      {"new names",
       one_asks,
       {},
       {"source.out -> asker_new.in", "asker_new.out -> sink.in",
        "asker_new.ask -> server_new.asked", "asker_new was asker", "server_new was server"}},
      {"an operator is put on the way", one_asks, {}, tapped},
      {"it is taken off", tapped, {}, one_asks},
      {"operators are put on both ways", one_asks, {}, tapped_twice},
      {"two of them are taken off", tapped_twice, {}, tapped},
      {"who asks, with others on both ways", tapped_twice, {"asker"}},
      {"who is asked, with others on both ways", tapped_twice, {"server"}},
      {"the left peer", peers, {"peer_l"}},
      {"the right peer", peers, {"peer_r"}},
      {"both peers", peers, {"peer_l", "peer_r"}},
      {"the left peer, drained", peers_drain, {"peer_l"}},
      {"the right peer, drained", peers_drain, {"peer_r"}},
      {"both peers, drained", peers_drain, {"peer_l", "peer_r"}},
      {"the right peer ends",
       peers,
       {},
       {"source.out -> peer_l.in", "source2.out -> sink.in", "peer_l.out -> sink.in",
        "source3.out -> asker3.in", "asker3.ask -> peer_l.asked", "asker3.out -> sink.in"},
       2,
       true},
      {"the left peer ends",
       peers,
       {},
       {"source2.out -> peer_r.in", "source.out -> sink.in", "peer_r.out -> sink.in",
        "source3.out -> asker3.in", "asker3.ask -> peer_r.asked", "asker3.out -> sink.in"},
       2,
       true},
  };
}

std::size_t askers(const lines& arcs) {
  return static_cast<std::size_t>(std::count_if(arcs.begin(), arcs.end(), [](const auto& line) {
    return line.find(".ask -> ") != std::string::npos;
  }));
}

struct run_setup {
  std::string server = "test.slow";
  bool drains = false;
  std::optional<std::uint64_t> seed{};
  std::size_t capacity = 2;
  std::size_t activation_limit = 1;
};

wanted_graph change_of(const scenario& s, const run_setup& how) {
  if (!s.after.empty())
    return made(how.drains ? drained(s.after) : s.after, how.server,
                s.capacity_after == 2 ? how.capacity : s.capacity_after);
  std::vector<operator_update> list;
  for (const auto& name : s.changed) list.push_back({name, type_of(name, how.server), 2});
  return list;
}

/// Runs until there are so many outcomes and every request has its end.
void settle(world& w, std::size_t outcomes) {
  const auto open = [&] {
    const auto& all = w.plot().requests;
    return std::any_of(all.begin(), all.end(), [](const auto& one) {
      return one.second.answered + one.second.unanswered == 0;
    });
  };
  w.run();
  for (int tick = 0; (w.outcomes().size() < outcomes || open()) && tick < 6'000; ++tick) {
    w.advance(std::chrono::milliseconds(1));
    w.run();
  }
  REQUIRE(w.outcomes().size() == outcomes);
}

/// Each request has one end, and that is the answer unless nobody was there to be asked.
std::string check_requests(const script& of, const scenario& s) {
  if (!of.breaches.empty()) return of.breaches.front();
  std::map<std::string, std::uint64_t> asked;
  for (const auto& [what, fate] : of.requests) {
    const auto& [name, number] = what;
    ++asked[name.substr(0, name.find("_new"))];
    const auto text = name + "'s request " + std::to_string(number);
    if (fate.answered + fate.unanswered != 1)
      return text + " has " + std::to_string(fate.answered) + " answers, and ends without " +
             std::to_string(fate.unanswered) + " times";
    if (fate.unanswered && !s.ends) return text + " is not answered";
    if (fate.unanswered && fate.why != no_answer::nobody) return text + " ran out of time";
    if (fate.unanswered && of.questions.count(what)) return text + " was lost after it had arrived";
  }
  for (const auto& [name, number] : asked)
    if (!s.ends && number != of.total) return name + " asked " + std::to_string(number) + " times";
  if (asked.empty() && !s.ends) return "nobody asked";
  return "";
}

/// Of a set that changed at once, with drained loops, no request saw two versions.
std::string check_one_version(const script& of) {
  for (const auto& [what, fate] : of.requests) {
    if (fate.unanswered) continue;
    const auto version = [](const std::string& type) { return type.substr(type.find('@')); };
    if (version(fate.asked_as) != version(fate.told_as) ||
        version(fate.asked_as) != version(fate.answered_by))
      return what.first + "'s request " + std::to_string(what.second) + ": asked as " +
             fate.asked_as + ", answered by " + fate.answered_by + ", told to " + fate.told_as;
  }
  return "";
}

/// Asks for the change after `at` messages, runs to the end and checks. False when the run was over
/// before.
bool run_with_change_at(const scenario& s, std::size_t at, const run_setup& how) {
  const auto items = item::alive;
  bool reached = false;
  {
    world w(how.activation_limit);
    if (how.seed) w.shuffle(*how.seed);
    w.plot().total = total;
    w.order(made(how.drains ? drained(s.before) : s.before, how.server, how.capacity));
    // Slow answers come by the clock.
    const auto over = [&] {
      const auto& all = w.plot().requests;
      return all.size() == total * askers(s.before) &&
             std::all_of(all.begin(), all.end(),
                         [](const auto& one) { return one.second.answered > 0; });
    };
    std::size_t done = 0;
    while (done < at)
      if (w.step()) ++done;
      else if (over()) break;
      else w.advance(std::chrono::milliseconds(1));
    reached = done == at;
    w.order(change_of(s, how));
    settle(w, 2);
    CHECK_MESSAGE(w.outcomes()[1].outcome == transition_outcome::committed, w.outcomes()[1].reason);
    CHECK(check_requests(w.plot(), s) == "");
    if (how.drains && (s.changed.size() == 4 || s.changed == lines{"asker", "asker2", "server"}))
      CHECK(check_one_version(w.plot()) == "");
    for (const auto& op : w.look().operators) CHECK(op.late_answers == 0); // nor another's
    w.stop();
    settle(w, 3);
    CHECK(w.outcomes().back().outcome == transition_outcome::committed);
    CHECK(w.outcomes().back().reason == "");
    CHECK(w.plot().instances == 0);
  }
  CHECK(item::alive == items);
  return reached;
}

} // namespace

TEST_CASE("each request has one end, wherever an update of who asks or is asked begins") {
  std::size_t schedules = 0;
  for (const bool drains : {false, true})
    for (const auto* server : {"test.oracle", "test.slow"})
      for (const auto& s : scenarios()) {
        CAPTURE(drains);
        CAPTURE(std::string(server));
        CAPTURE(std::string(s.name));
        for (std::size_t at = 0;; ++at, ++schedules) {
          CAPTURE(at);
          if (!run_with_change_at(s, at, {server, drains})) break;
        }
      }
  MESSAGE(schedules << " schedules, one for each message boundary of each scenario");
}

TEST_CASE("the same under random schedules, credits and activation limits") {
  std::mt19937_64 random(9101);
  for (const auto& s : scenarios()) {
    CAPTURE(std::string(s.name));
    for (int round = 0; round < 40; ++round) {
      run_setup how{random() % 2 ? "test.oracle" : "test.slow", random() % 2 == 0, random(),
                    1 + random() % 4, 1 + random() % 5};
      const auto at = random() % 300;
      CAPTURE(how.server);
      CAPTURE(how.drains);
      CAPTURE(*how.seed);
      CAPTURE(at);
      run_with_change_at(s, at, how);
    }
  }
}

TEST_CASE("an update that fails leaves the open requests with who had them") {
  const std::vector<std::pair<const char*, void (*)(script&, const std::string&)>> faults{
      {"constructor",
       [](script& s, const std::string& type) { s.throws_in_constructor = type + "@2"; }},
      {"restore", [](script& s, const std::string& type) { s.throws_in_restore = type + "@2"; }},
      {"save", [](script& s, const std::string& type) { s.throws_in_save = type + "@1"; }},
  };
  const auto all = scenarios();
  std::mt19937_64 random(9102);
  for (const auto& s : all) {
    if (s.changed.empty() || s.changed.size() > 3) continue;
    CAPTURE(std::string(s.name));
    for (const auto& [where, fault] : faults)
      for (int round = 0; round < 30; ++round) {
        const std::string place(where);
        CAPTURE(place);
        run_setup how{random() % 2 ? "test.oracle" : "test.slow", random() % 2 == 0, random()};
        const auto at = 30 + random() % 150;
        CAPTURE(how.server);
        CAPTURE(how.drains);
        CAPTURE(*how.seed);
        CAPTURE(at);
        world w;
        w.shuffle(*how.seed);
        w.plot().total = total;
        fault(w.plot(), type_of(s.changed[random() % s.changed.size()], how.server));
        w.order(made(how.drains ? drained(s.before) : s.before, how.server));
        for (std::size_t i = 0; i < at; ++i) w.step();
        w.order(change_of(s, how));
        settle(w, 2);
        CHECK(w.outcomes()[1].outcome != transition_outcome::committed);
        CHECK(w.outcomes()[1].reason.find("told to fail in") != std::string::npos);
        CHECK(check_requests(w.plot(), s) == "");
        for (const auto& [what, fate] : w.plot().requests) CHECK(fate.told_as.ends_with("@1"));
      }
  }
}

TEST_CASE("a deadline is kept over updates of who asks, and what comes later is dropped") {
  for (const bool drains : {false, true}) {
    CAPTURE(drains);
    world w;
    w.plot().total = 2;
    w.plot().mute = true;
    w.plot().request_deadline = std::chrono::milliseconds(100);
    w.order(made(drains ? drained(one_asks) : one_asks, "test.slow"));
    w.run();
    CHECK(w.plot().questions.size() == 2);
    const auto ended = [&] {
      return w.plot().requests[{"asker", 0}].unanswered +
             w.plot().requests[{"asker", 1}].unanswered;
    };
    w.advance(std::chrono::milliseconds(40));
    w.run();
    w.order(std::vector<operator_update>{{"asker", "test.asker", 2}});
    w.run();
    // Only where the loop is drained the update waits for the open requests.
    CHECK(w.outcomes().size() == (drains ? 1 : 2));
    for (int tick = 0; tick < 59; ++tick) {
      w.advance(std::chrono::milliseconds(1));
      w.run();
    }
    CHECK(ended() == 0);
    w.advance(std::chrono::milliseconds(1));
    w.run();
    CHECK(ended() == 2);
    for (std::uint64_t number : {0, 1}) {
      const auto& fate = w.plot().requests[{"asker", number}];
      CHECK(fate.why == no_answer::deadline);
      CHECK(fate.told_as == (drains ? "test.asker@1" : "test.asker@2"));
    }
    w.advance(std::chrono::milliseconds(2));
    w.run();
    REQUIRE(w.outcomes().size() == 2);
    CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
    CHECK(w.plot().breaches.empty());
    w.stop();
    w.run();
  }
}

TEST_CASE("an answer that comes after the deadline is dropped and counted") {
  world w;
  w.plot().total = 4;
  w.plot().request_deadline = std::chrono::milliseconds(2); // a slow one needs 3
  w.order(made(one_asks, "test.slow"));
  w.run();
  for (int tick = 0; tick < 20; ++tick) {
    w.advance(std::chrono::milliseconds(1));
    w.run();
  }
  for (const auto& [what, fate] : w.plot().requests) {
    CHECK(fate.answered == 0);
    CHECK(fate.unanswered == 1);
  }
  CHECK(w.plot().requests.size() == 4);
  const auto now = w.status();
  const auto who = std::find_if(now.operators.begin(), now.operators.end(),
                                [](const operator_status& s) { return s.name == "asker"; });
  REQUIRE(who != now.operators.end());
  CHECK(who->late_answers == 4);
}

TEST_CASE("answers to requests that have run out of time keep no loop from being left or saved") {
  const wanted_graph removed = made({"source.out -> sink.in"}, "test.slow");
  std::size_t asked = 0; // runs in which somebody was
  for (const auto& arcs : {one_asks, drained(one_asks), two_ask, tapped_twice})
    for (const wanted_graph& change :
         {removed, wanted_graph(checkpoint_wish{}), wanted_graph(graph{})})
      for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(arcs.size());
        CAPTURE(change.index());
        CAPTURE(seed);
        checkpointed c;
        c.w.shuffle(seed);
        c.w.plot().total = 8;
        c.w.plot().request_deadline = std::chrono::milliseconds(2); // a slow one needs 3
        c.w.order(made(arcs, "test.slow"));
        for (std::uint64_t i = 0; i < 40 + seed; ++i) c.w.step();
        if (std::holds_alternative<graph>(change) && std::get<graph>(change).operators.empty())
          c.w.stop();
        else c.w.order(change);
        // The clock moves on while messages are still under way, so timers fall between them.
        for (int i = 0; i < 4'000 && c.w.outcomes().size() < 2; ++i) {
          c.w.step();
          if (i % 10 == 9) c.w.advance(std::chrono::microseconds(500));
        }
        asked += !c.w.plot().questions.empty();
        REQUIRE(c.w.outcomes().size() == 2);
        CHECK_MESSAGE(c.w.outcomes()[1].outcome == transition_outcome::committed,
                      c.w.outcomes()[1].reason);
      }
  CHECK(asked > 100);
}

TEST_CASE("a loop that is drained says how many requests are open, and goes on") {
  world w;
  w.plot().total = 2;
  w.plot().mute = true;
  w.order(made(drained(one_asks), "test.slow"));
  w.run();
  w.order(std::vector<operator_update>{{"server", "test.slow", 2}}, std::chrono::seconds(2));
  for (int tick = 0; tick < 3'000; ++tick) {
    w.advance(std::chrono::milliseconds(1));
    w.run();
  }
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::rolled_back);
  CHECK(w.outcomes()[1].reason.find("operator 'asker' says not yet: 2 requests are open") !=
        std::string::npos);
  w.advance(std::chrono::hours(1));
  w.run();
  for (const auto& [what, fate] : w.plot().requests) CHECK(fate.unanswered == 1);
}

TEST_CASE("who asks by itself under load comes to its cut where its loop is drained") {
  world w;
  w.plot().total = 2'000;
  w.order(made(drained(one_calls), "test.oracle"));
  for (int i = 0; i < 200; ++i) w.step();
  w.order(std::vector<operator_update>{{"caller", "test.caller", 2}});
  for (int i = 0; i < 20'000 && w.outcomes().size() < 2; ++i) {
    w.step();
    if (i % 20 == 0) w.advance(std::chrono::milliseconds(1));
  }
  REQUIRE(w.outcomes().size() == 2);
  CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
  CHECK(w.plot().requests.size() < 1'000); // not only when it had no more events
  settle(w, 2);
  CHECK(check_requests(w.plot(), scenario{"", one_calls, {}}) == "");
  CHECK(w.plot().requests.size() == 2'000);
}

TEST_CASE("who restarts after it threw gets the answers to what it had asked before") {
  world w;
  w.plot().total = total;
  w.plot().throws_on_packet = "asker";
  w.plot().throws_at = 3;
  w.order(made(one_asks, "test.slow"));
  settle(w, 1);
  CHECK(w.plot().breaches.empty());
  CHECK(w.plot().requests.size() == total - 1); // the one that it threw at was never asked
  for (const auto& [what, fate] : w.plot().requests) CHECK(fate.answered == 1);
}

TEST_CASE("a request that no arc leads away for ends with nobody, in a call of its own") {
  world w;
  w.plot().total = total;
  w.order(made({"source.out -> asker.in", "asker.out -> sink.in"}, "test.slow"));
  w.run();
  CHECK(w.plot().requests.size() == total);
  for (const auto& [what, fate] : w.plot().requests) {
    CHECK(fate.unanswered == 1);
    CHECK(fate.why == no_answer::nobody);
  }
}

TEST_CASE("open requests are not lost with an old instance that dies after the commit") {
  std::size_t died_late = 0;
  for (std::size_t after = 0; after < 60; ++after) {
    CAPTURE(after);
    world w;
    w.watch_runners();
    w.plot().total = total;
    w.order(made(one_asks, "test.slow"));
    for (int i = 0; i < 60; ++i) w.step();
    w.order(std::vector<operator_update>{{"asker", "test.asker", 2}});
    for (std::size_t i = 0; i < after; ++i) w.step();
    if (!w.alive(0)) break;
    const bool waits = w.plot().requests.size() > 0 && w.plot().sinks["sink"].size() < total;
    w.kill(0); // by name the first: the asker
    settle(w, 2);
    if (!w.stop_reasons.empty()) continue; // it died before the commit
    died_late += waits;
    CHECK(w.outcomes()[1].outcome == transition_outcome::committed);
    CHECK(check_requests(w.plot(), scenario{"", one_asks, {}}) == "");
  }
  CHECK(died_late > 0);
}

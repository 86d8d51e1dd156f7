#include "checkpoint_world.hpp"
#include "kept_table.hpp"
#include "protocol_state.capnp.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

using updates = std::vector<operator_update>;
using counts = std::map<std::string, std::uint64_t>;

counts counts_of(const checkpoint_contents& from) {
  counts found;
  for (const auto& [name, type] : from.operators()) {
    const auto saved = from.state_of(name);
    REQUIRE(saved);
    state_reader reader(*saved);
    found[name] = reader.root<StageState>().getCount();
  }
  return found;
}

const auto diamond = world::make_graph({"source -> a -> b -> sink", "a -> c -> sink"});

} // namespace

TEST_CASE("a checkpoint under load is a consistent cut, on any schedule") {
  std::set<std::uint64_t> sent;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    checkpointed c(1 + seed % 3);
    c.w.plot().total = 40;
    c.w.shuffle(seed);
    c.w.order(diamond);
    for (std::uint64_t i = 0; i < 20 + seed * 5; ++i) c.w.step();
    c.w.order(checkpoint_wish{});
    c.w.run();
    REQUIRE(c.w.outcomes().size() == 2);
    REQUIRE_MESSAGE(c.w.outcomes()[1].outcome == transition_outcome::committed,
                    c.w.outcomes()[1].reason);
    CHECK(c.w.check().value_or("") == "");
    const auto cut = counts_of(*c.newest());
    const auto n = cut.at("source");
    sent.insert(n);
    // What was sent before the cut has arrived before it, and nothing else.
    CHECK(cut == counts{{"source", n}, {"a", n}, {"b", n}, {"c", n}, {"sink", 2 * n}});
  }
  CHECK(sent.size() > 10); // cuts in the middle of things
}

TEST_CASE("loops are emptied first, whatever their policy, so that no packet is missing") {
  for (const auto policy : {feedback_policy::hand_over, feedback_policy::drain}) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      checkpointed c;
      c.w.plot().total = 30;
      c.w.shuffle(seed);
      c.w.order(
          world::make_graph({"source -> a -> turn -> sink", "turn.again ~> a"}, {}, 4, policy));
      for (std::uint64_t i = 0; i < 20 + seed * 6; ++i) c.w.step();
      c.w.order(checkpoint_wish{});
      for (int i = 0; i < 200 && c.w.outcomes().size() < 2; ++i) {
        c.w.run();
        c.w.advance(1ms);
      }
      c.w.run();
      REQUIRE(c.w.outcomes().size() == 2);
      REQUIRE_MESSAGE(c.w.outcomes()[1].outcome == transition_outcome::committed,
                      c.w.outcomes()[1].reason);
      CHECK(c.w.check().value_or("") == "");
      const auto cut = counts_of(*c.newest());
      std::uint64_t rounds = 0; // item n goes round n % rounds times
      for (std::uint64_t n = 0; n < cut.at("source"); ++n) rounds += n % c.w.plot().rounds;
      CHECK(cut.at("sink") == cut.at("source"));
      CHECK(cut.at("a") == cut.at("source") + rounds);
      CHECK(cut.at("turn") == cut.at("a"));
    }
  }
}

TEST_CASE("what is sent into a loop by itself after it was seen empty gives the checkpoint up") {
  checkpointed c;
  c.w.plot().total = 30;
  c.w.order(world::make_graph({"source -> a -> turn -> sink", "turn.again ~> a"}));
  for (int i = 0; i < 60; ++i) c.w.step();
  c.w.plot().emits_at_cut = "test.turn@1";
  c.w.order(checkpoint_wish{});
  for (int i = 0; i < 200 && c.w.outcomes().size() < 2; ++i) {
    c.w.run();
    c.w.advance(1ms);
  }
  REQUIRE(c.w.outcomes().size() == 2);
  CHECK(c.w.outcomes()[1].outcome == transition_outcome::rolled_back);
  CHECK(contains(c.w.outcomes()[1].reason, "operator 'turn' has emitted, not for a packet, into "
                                           "turn.again -> a.in, whose loop was empty"));
  CHECK(c.files() == 0);
  c.w.order(checkpoint_wish{});
  for (int i = 0; i < 200 && c.w.outcomes().size() < 3; ++i) {
    c.w.run();
    c.w.advance(1ms);
  }
  CHECK(c.w.outcomes().back().outcome == transition_outcome::committed);
}

TEST_CASE("requests are answered before the cut") {
  auto asking = world::make_graph({"source -> asker -> sink", "asker -> slow"},
                                  {{"asker", "test.asker@1"}, {"slow", "test.slow@1"}});
  for (auto& a : asking.arcs) {
    if (a.to == "asker") a.to_port = "in";
    if (a.from == "asker") a.from_port = a.to == "slow" ? "ask" : "out";
    if (a.to == "slow") a.to_port = "asked";
  }
  std::set<std::uint64_t> sent;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    checkpointed c;
    c.w.plot().total = 20;
    c.w.shuffle(seed);
    c.w.order(asking);
    for (std::uint64_t i = 0; i < 20 + 4 * seed; ++i) c.w.step();
    c.w.order(checkpoint_wish{}, 100s);
    for (int i = 0; i < 20'000 && c.w.outcomes().size() < 2; ++i) {
      c.w.run();
      c.w.advance(1ms);
    }
    REQUIRE(c.w.outcomes().size() == 2);
    REQUIRE_MESSAGE(c.w.outcomes()[1].outcome == transition_outcome::committed,
                    c.w.outcomes()[1].reason);
    const auto cut = c.newest();
    const auto saved = cut->state_of("slow");
    state_reader reader(*saved);
    CHECK(reader.root<RequestState>().getPending().size() == 0);
    const auto counted = counts_of(*cut);
    CHECK(counted.at("source") == counted.at("sink"));
    sent.insert(counted.at("sink"));
  }
  CHECK(sent.size() > 3);
}

TEST_CASE("a service restored from a checkpoint goes on from the cut, under higher epochs") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    checkpointed before;
    before.w.plot().total = 40;
    before.w.shuffle(seed);
    before.w.order(diamond);
    before.w.order(updates{{"b", "test.stage", 2}});
    for (std::uint64_t i = 0; i < 40 + seed * 5; ++i) before.w.step();
    before.w.order(checkpoint_wish{});
    before.w.run();
    REQUIRE(before.w.outcomes().size() == 3);
    REQUIRE(before.w.outcomes()[2].outcome == transition_outcome::committed);
    const auto contents = before.newest();
    const auto cut = counts_of(*contents);

    checkpointed after;
    after.w.plot().total = 40;
    after.w.plot().from_checkpoint = true;
    after.w.shuffle(seed);
    after.w.order(contents->content(), 5s, from(contents));
    after.w.run();
    REQUIRE(after.w.outcomes().size() == 1);
    REQUIRE_MESSAGE(after.w.outcomes()[0].outcome == transition_outcome::committed,
                    after.w.outcomes()[0].reason);
    CHECK(after.w.outcomes()[0].epoch == contents->info().epoch + 1);
    CHECK(after.w.plot().restored == cut);
    after.w.order(checkpoint_wish{});
    after.w.run();
    const auto end = after.newest();
    CHECK(counts_of(*end) == counts{{"source", 40}, {"a", 40}, {"b", 40}, {"c", 40}, {"sink", 80}});
    CHECK(end->info().epoch == contents->info().epoch + 2);
    CHECK(end->content().find("b")->version == 2);
  }
}

TEST_CASE("keyed state flows ahead of the cut, what changes meanwhile follows, all comes back") {
  std::set<std::uint64_t> cuts;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto prepare = [](script& s) {
      s.total = 200;
      s.keys = 300;
      s.preloaded = 250;
    };
    checkpointed before;
    prepare(before.w.plot());
    before.w.shuffle(seed);
    before.w.order(world::make_graph({"source -> keep -> sink"}, {{"keep", "test.table@1"}}));
    for (std::uint64_t i = 0; i < 20 + seed * 10; ++i) before.w.step();
    before.w.order(checkpoint_wish{});
    for (int i = 0; i < 200 && before.w.outcomes().size() < 2; ++i) {
      before.w.run();
      before.w.advance(1ms);
    }
    REQUIRE(before.w.outcomes().size() == 2);
    REQUIRE_MESSAGE(before.w.outcomes()[1].outcome == transition_outcome::committed,
                    before.w.outcomes()[1].reason);
    before.w.run();
    CHECK(before.w.check().value_or("") == "");
    const auto contents = before.newest();
    const auto count = counts_of(*contents).at("keep");
    cuts.insert(count);
    const auto expected = table_after(count, before.w.plot());
    CHECK(table_of(*contents, "keep") == expected);

    checkpointed after;
    prepare(after.w.plot());
    after.w.plot().from_checkpoint = true;
    for (const auto& [key, seen] : expected) after.w.plot().tables[{"keep", key}] = seen;
    // Another version of the operator, too.
    auto target = contents->content();
    for (auto& op : target.operators)
      if (op.name == "keep") op.version = 1 + seed % 2;
    after.w.order(target, 5s, from(contents));
    after.w.run();
    REQUIRE(after.w.outcomes().size() == 1);
    REQUIRE_MESSAGE(after.w.outcomes()[0].outcome == transition_outcome::committed,
                    after.w.outcomes()[0].reason);
    CHECK(after.w.plot().breaches.empty());
    CHECK(after.w.plot().sinks["sink"].size() == 200 - count);
  }
  CHECK(cuts.size() > 10);
}

TEST_CASE("state that is only an object is in no checkpoint, and that is said") {
  typed_graph running;
  running.content = world::make_graph({"source -> sink"});
  for (const auto& op : running.content.operators) running.types[op.name].name = op.type;
  CHECK_FALSE(make_checkpoint_plan(running).refused());
  running.types["sink"].native = {"some.object", 1};
  const auto refused = make_checkpoint_plan(running);
  REQUIRE(refused.refusals.size() == 1);
  CHECK(contains(refused.refusals[0].message, "operator 'sink': test.sink@0 keeps its state only"));
  running.types["sink"].state_schema = 1;
  CHECK_FALSE(make_checkpoint_plan(running).refused());
}

TEST_CASE("a checkpoint is no graph version, and changes nothing") {
  checkpointed c;
  c.w.order(diamond);
  c.w.run();
  c.w.order(updates{{"a", "test.stage", 2}});
  c.w.order(checkpoint_wish{});
  c.w.run();
  REQUIRE(c.w.outcomes().size() == 3);
  const auto& written = c.w.outcomes()[2];
  CHECK(written.epoch == 3);
  CHECK(written.what.starts_with("checkpoint -> " + c.at.path().string()));
  CHECK(contains(written.what, "-epoch-3.instar, 5 operators, "));
  CHECK(c.w.status().epoch == 3);
  c.w.order(rollback_to{});
  c.w.run();
  REQUIRE(c.w.outcomes().size() == 4);
  CHECK(c.w.outcomes()[3].epoch == 4);
  CHECK(contains(c.w.outcomes()[3].what, "a: test.stage@2 -> test.stage@1"));
  CHECK(c.w.check().value_or("") == "");
}

TEST_CASE("whatever fails in writing, there is no file, the reason is told, and all go on") {
  struct fault {
    std::function<void(checkpointed&)> set;
    std::string reason;
  };
  const fault faults[] = {
      {[](checkpointed& c) { c.disk.fails_write = true; }, "No space left on device"},
      {[](checkpointed& c) { c.disk.fails_sync = true; }, "cannot be made durable"},
      {[](checkpointed& c) { c.disk.fails_rename = true; }, "cannot be given its name"},
      {[](checkpointed& c) { c.w.plot().throws_in_save = "b"; }, "told to fail in save"},
      {[](checkpointed& c) { c.w.plot().never_ready = "c"; }, "says not yet: it never is"},
  };
  for (const auto& [set, reason] : faults) {
    checkpointed c;
    c.w.plot().total = 60;
    c.w.order(diamond);
    for (int i = 0; i < 80; ++i) c.w.step();
    set(c);
    c.w.order(checkpoint_wish{}, 2s);
    c.w.run();
    c.w.advance(3s);
    c.w.run();
    REQUIRE(c.w.outcomes().size() == 2);
    CHECK(c.w.outcomes()[1].outcome != transition_outcome::committed);
    CHECK_MESSAGE(contains(c.w.outcomes()[1].reason, reason), c.w.outcomes()[1].reason);
    CHECK(c.files() == 0);
    CHECK(c.w.check().value_or("") == "");
  }
}

TEST_CASE("cancelled at any moment there is no file, or the checkpoint has been committed") {
  int cancelled = 0, committed = 0;
  for (int steps = 0; steps < 120; ++steps) {
    checkpointed c;
    c.w.plot().total = 60;
    c.w.order(diamond);
    for (int i = 0; i < 80; ++i) c.w.step();
    c.w.order(checkpoint_wish{});
    for (int i = 0; i < steps; ++i) c.w.step();
    c.w.cancel({});
    c.w.run();
    REQUIRE(c.w.outcomes().size() == 2);
    const bool done = c.w.outcomes()[1].outcome == transition_outcome::committed;
    (done ? committed : cancelled) += 1;
    CHECK(c.files() == (done ? 1 : 0));
    CHECK(c.w.check().value_or("") == "");
  }
  CHECK(cancelled > 10);
  CHECK(committed > 10);
}

TEST_CASE("without a folder, or with nothing that runs, it is refused") {
  world w;
  w.order(diamond);
  w.run();
  w.order(checkpoint_wish{});
  w.run();
  CHECK(w.outcomes()[1].outcome == transition_outcome::refused);
  CHECK(contains(w.outcomes()[1].reason, "instard --checkpoints DIR"));
  checkpointed empty;
  empty.w.order(checkpoint_wish{});
  empty.w.run();
  CHECK(empty.w.outcomes()[0].outcome == transition_outcome::refused);
  CHECK(contains(empty.w.outcomes()[0].reason, "nothing runs that could be written"));
}

TEST_CASE("checkpoint_every writes them by itself, and only as many as are to be kept stay") {
  checkpointed c;
  c.w.plot().total = 10;
  auto timed = diamond;
  timed.checkpoint_every = 10s;
  timed.checkpoint_keep = 2;
  c.w.order(timed);
  c.w.run();
  CHECK(c.files() == 0);
  for (int i = 0; i < 5; ++i) {
    c.w.advance(10s);
    c.w.run();
  }
  CHECK(c.files() == 2);
  CHECK(c.newest()->info().number == 5);
  CHECK(c.newest()->content().checkpoint_every == 10s);
  c.w.order(diamond); // without it
  c.w.run();
  c.w.advance(60s);
  c.w.run();
  CHECK(c.newest()->info().number == 5);
}

TEST_CASE("state that nobody goes on from is lost only if somebody says so") {
  checkpointed c;
  c.w.order(diamond);
  c.w.run();
  c.w.order(checkpoint_wish{});
  c.w.run();
  const auto contents = c.newest();
  const auto smaller = world::make_graph({"source -> a -> b -> sink"});
  const auto renamed = [&] {
    auto g = world::make_graph({"source -> a -> b -> sink", "a -> d -> sink"});
    for (auto& op : g.operators)
      if (op.name == "d") op.was = "c";
    return g;
  }();
  const auto restore = [&](const graph& target, std::vector<std::string> drop) {
    checkpointed other;
    other.w.plot().from_checkpoint = true;
    other.w.order(target, 5s, from(contents, std::move(drop)));
    other.w.run();
    REQUIRE(other.w.outcomes().size() == 1);
    return std::pair(other.w.outcomes()[0], other.w.plot().restored);
  };
  const auto refused = restore(smaller, {}).first;
  CHECK(refused.outcome == transition_outcome::refused);
  CHECK(contains(refused.reason, "operator 'c': the checkpoint has state of it (test.stage@1)"));
  CHECK(contains(refused.reason, "--drop-state c"));
  CHECK(restore(smaller, {"c"}).first.outcome == transition_outcome::committed);
  CHECK(
      contains(restore(smaller, {"c", "x"}).first.reason, "--drop-state x: the checkpoint has no"));
  const auto moved = restore(renamed, {});
  CHECK(moved.first.outcome == transition_outcome::committed);
  CHECK(moved.second.at("d") == 100);
  const auto fresh = restore(diamond, {"b"});
  CHECK(fresh.first.outcome == transition_outcome::committed);
  CHECK(fresh.second.count("b") == 0);
}

TEST_CASE("an operator that cannot restore keeps the service from starting, with its reason") {
  checkpointed c;
  c.w.order(diamond);
  c.w.run();
  c.w.order(checkpoint_wish{});
  c.w.run();
  checkpointed other;
  other.w.plot().throws_in_restore = "a";
  other.w.order(diamond, 5s, from(c.newest()));
  other.w.run();
  REQUIRE(other.w.outcomes().size() == 1);
  CHECK(other.w.outcomes()[0].outcome == transition_outcome::rolled_back);
  CHECK(contains(other.w.outcomes()[0].reason, "told to fail in restore"));
  CHECK(other.w.status().operators.empty());
}

TEST_CASE("whatever names a checkpoint has, what is said of it is one line") {
  temporary_folder at;
  checkpoint_disk disk;
  auto writer = checkpoint_writer::begin(disk, at.path(), 1, 1);
  REQUIRE(writer);
  for (int i = 0; i < 2; ++i) REQUIRE(writer->add(section_kind::state, "two\nlines", {}));
  const auto written = writer->commit();
  REQUIRE(written);
  auto opened = checkpoint_file::open(written->file);
  REQUIRE(opened);
  const auto read = checkpoint_contents::read(*std::move(opened));
  REQUIRE_FALSE(read);
  CHECK(contains(read.error().message, "it has two states of operator 'two lines'"));
  CHECK(read.error().message.find('\n') == std::string::npos);
}

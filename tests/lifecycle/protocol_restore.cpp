// Restoring operators that share packets by their keys, in other processes and in other numbers.

#include "actors/lanes.hpp"
#include "actors/replicas.hpp"
#include "checkpoint_world.hpp"
#include "kept_table.hpp"
#include "protocol_state.capnp.h"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

constexpr auto committed = transition_outcome::committed;
constexpr std::uint64_t total = 200;

void prepare(script& s) {
  s.total = total;
  s.keys = 150;
  s.preloaded = 120;
}

graph graph_of(const std::string& type, std::uint32_t replicas) {
  auto g = world::make_graph({"source -> key -> keep -> sink"},
                             {{"key", "test.keyer@1"}, {"keep", type}});
  for (auto& op : g.operators)
    if (op.name == "keep") op.replicas = replicas;
  return g;
}

/// The graph of a checkpoint with another number or version of `keep`.
graph changed(const checkpoint_contents& from, std::uint32_t replicas, std::uint32_t version = 0) {
  auto g = fold_replicas(from.content());
  for (auto& op : g.operators) {
    if (op.name != "keep") continue;
    op.replicas = replicas;
    if (version != 0) op.version = version;
  }
  return g;
}

std::vector<std::string> replicas_in(const checkpoint_contents& from) {
  std::vector<std::string> names;
  for (const auto& [name, type] : from.operators())
    if (name == "keep" || name.starts_with("keep:")) names.push_back(name);
  return names;
}

/// Those of all replicas. None may be at two, nor at one whose places it is not in.
table merged(const checkpoint_contents& from, bool own_places = true) {
  table all;
  const auto names = replicas_in(from);
  for (const auto& name : names)
    for (const auto& entry : table_of(from, name)) {
      const auto key = entry.first;
      CHECK_MESSAGE(all.insert(entry).second, "key ", key, " is doubled");
      const auto lane = lane_of(place_of(key, key_kind::number), names.size());
      if (own_places && names.size() > 1)
        CHECK(replica_name("keep", static_cast<std::uint32_t>(lane),
                           static_cast<std::uint32_t>(names.size())) == name);
    }
  return all;
}

std::uint64_t count_of(const checkpoint_contents& from, const std::string& name) {
  const auto saved = from.state_of(name);
  REQUIRE(saved);
  state_reader reader(*saved);
  return reader.root<StageState>().getCount();
}

void run_until(world& w, std::size_t outcomes) {
  for (int i = 0; i < 200 && w.outcomes().size() < outcomes; ++i) {
    w.run();
    w.advance(1ms);
  }
  w.run();
  REQUIRE(w.outcomes().size() == outcomes);
  REQUIRE_MESSAGE(w.outcomes().back().outcome == committed, w.outcomes().back().reason);
}

/// A checkpoint of so many replicas, some way into the run.
std::shared_ptr<const checkpoint_contents> write_one(checkpointed& in, const graph& of,
                                                     std::uint64_t seed) {
  prepare(in.w.plot());
  in.w.shuffle(seed);
  in.w.order(of);
  for (std::uint64_t i = 0; i < 40 + seed % 7 * 60; ++i) in.w.step();
  in.w.order(checkpoint_wish{});
  run_until(in.w, 2);
  CHECK(in.w.check().value_or("") == "");
  return in.newest();
}

state part_of(const state_header& header, const table& entries,
              const std::vector<std::uint64_t>& gone) {
  state_writer writer(header);
  auto to = writer.init<TablePart>();
  auto list = to.initEntries(static_cast<unsigned>(entries.size()));
  unsigned i = 0;
  for (const auto& [key, seen] : entries) {
    list[i].setKey(key);
    list[i++].setSeen(seen);
  }
  auto keys = to.initGone(static_cast<unsigned>(gone.size()));
  for (i = 0; i < keys.size(); ++i) keys.set(i, gone[i]);
  return writer.finish();
}

/// Writes the same checkpoint as a process would that has other places for keys: each entry is at
/// some replica, in several parts, some of them out of date by later ones.
class other_process {
public:
  other_process(const checkpoint_contents& from, std::uint64_t seed) : from_(from), random_(seed) {}

  std::shared_ptr<const checkpoint_contents> write() {
    const auto folder = checkpoint_folder::claim(at_.path(), disk_);
    REQUIRE(folder);
    auto writer = (*folder)->begin(from_.info().epoch);
    REQUIRE(writer);
    REQUIRE(writer->add(section_kind::graph, {}, encode_graph(from_.content())));
    std::set<std::string> schemas;
    for (const auto& [name, type] : from_.operators())
      if (!type.schemas.bytes().empty() && schemas.insert(type.reference()).second)
        REQUIRE(writer->add(section_kind::schemas, type.reference(), type.schemas.bytes()));
    deal();
    for (const auto& [name, parts] : parts_)
      for (const auto& part : parts) REQUIRE(writer->add(section_kind::part, name, part.encode()));
    for (const auto& [name, type] : from_.operators()) {
      REQUIRE(writer->add(section_kind::state, name, from_.state_of(name)->encode()));
      const auto timers = from_.timers_of(name);
      REQUIRE(timers);
      if (!timers->empty())
        REQUIRE(writer->add(section_kind::timers, name, encode_timers(*timers)));
    }
    REQUIRE(writer->commit());
    auto contents = checkpoint_contents::read(*newest_whole(at_.path()).file);
    REQUIRE(contents);
    return *contents;
  }

private:
  void deal() {
    const auto names = replicas_in(from_);
    std::map<std::string, table> dealt;
    for (const auto& [key, seen] : merged(from_))
      dealt[names[random_() % names.size()]][key] = seen;
    for (const auto& name : names) {
      const auto header = from_.part_of(name, 0)->header();
      table first, later;
      std::vector<std::uint64_t> gone;
      for (const auto& [key, seen] : dealt[name]) {
        const auto chance = random_() % 3;
        if (chance != 0) first[key] = chance == 1 ? seen : seen + 1'000'000;
        if (chance != 1) later[key] = seen;
      }
      // Nobody has these keys in the end.
      for (std::uint64_t key = 1'000'000; key < 1'000'010; ++key)
        if (random_() % names.size() == 0) {
          first[key] = 1;
          gone.push_back(key);
        }
      parts_[name].push_back(part_of(header, first, {}));
      parts_[name].push_back(part_of(header, later, gone));
    }
  }

  const checkpoint_contents& from_;
  std::mt19937_64 random_;
  temporary_folder at_;
  checkpoint_disk disk_;
  std::map<std::string, std::vector<state>> parts_;
};

/// Restores, runs to the end, and looks at what all replicas have then.
void go_on(const std::shared_ptr<const checkpoint_contents>& contents, const table& expected,
           std::uint32_t replicas, std::uint32_t version, std::uint64_t seed) {
  const auto done = count_of(*contents, "source");
  checkpointed after;
  auto& plot = after.w.plot();
  prepare(plot);
  plot.from_checkpoint = true;
  for (const auto& [key, seen] : expected) plot.tables[{"keep", key}] = seen;
  after.w.shuffle(seed);
  after.w.order(changed(*contents, replicas, version), 5s, from(contents));
  run_until(after.w, 1);
  CHECK(plot.breaches == std::vector<std::string>{});
  CHECK(plot.sinks["sink"].size() == total - done);
  after.w.order(checkpoint_wish{});
  run_until(after.w, 2);
  const auto end = after.newest();
  CHECK(replicas_in(*end).size() == replicas);
  CHECK(merged(*end) == table_after(total, plot));
}

} // namespace

TEST_CASE(
    "any number of replicas goes on from any other, in a process with other places for keys") {
  const std::pair<std::uint32_t, std::uint32_t> pairs[] = {{1, 1}, {1, 2}, {1, 5}, {2, 1},
                                                           {2, 2}, {2, 3}, {3, 1}, {3, 2},
                                                           {3, 3}, {4, 7}, {7, 4}, {5, 1}};
  std::set<std::uint64_t> cuts;
  std::uint64_t seed = 0;
  for (const auto& pair : pairs)
    for (const std::uint32_t version : {1, 2, 3}) {
      const auto before = pair.first, after = pair.second;
      CAPTURE(before);
      CAPTURE(after);
      CAPTURE(version);
      ++seed;
      checkpointed first;
      const auto written = write_one(first, graph_of("test.shard@1", before), seed);
      const auto done = count_of(*written, "source");
      cuts.insert(done);
      const auto expected = table_after(done, first.w.plot());
      CHECK(merged(*written) == expected);
      go_on(written, expected, after, version, seed);
      other_process other(*written, seed);
      const auto foreign = other.write();
      REQUIRE(merged(*foreign, false) == expected);
      go_on(foreign, expected, after, version, seed);
    }
  CHECK(cuts.size() > 3);
}

TEST_CASE("there and back through another schema nothing is lost, doubled or at another replica") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    checkpointed first;
    const auto up = write_one(first, graph_of("test.shard@3", 2), seed);
    const auto done = count_of(*up, "source");
    const auto expected = table_after(done, first.w.plot());
    CHECK(up->part_of("keep:0/2", 0)->header().schema_id == capnp::typeId<ShardPart>());
    CHECK(merged(*up) == expected);
    go_on(up, expected, 3, 1, seed);
    go_on(up, expected, 2, 2, seed);
    go_on(up, expected, 1, 3, seed);
  }
}

namespace {

struct restored {
  history_entry outcome;
  std::map<std::string, std::uint64_t> counts;
  table entries;
  bool runs = false;
};

restored restore(const std::shared_ptr<const checkpoint_contents>& contents, const graph& target,
                 std::vector<std::string> drop = {}, table expected = {},
                 const std::function<void(script&)>& plot = {},
                 const std::function<void(const script&)>& at_end = {}) {
  checkpointed other;
  auto& s = other.w.plot();
  prepare(s);
  s.from_checkpoint = true;
  for (const auto& [key, seen] : expected) s.tables[{"keep", key}] = seen;
  if (plot) plot(s);
  other.w.order(target, 5s, from(contents, std::move(drop)));
  other.w.run();
  REQUIRE(other.w.outcomes().size() == 1);
  restored found{other.w.outcomes()[0], s.restored, {}, !other.w.status().operators.empty()};
  if (found.outcome.outcome != committed) return found;
  CHECK(s.breaches == std::vector<std::string>{});
  other.w.order(checkpoint_wish{});
  run_until(other.w, 2);
  found.entries = merged(*other.newest());
  if (at_end) at_end(s);
  return found;
}

} // namespace

TEST_CASE(
    "state without keys comes back to as many replicas, and to others only if it is given up") {
  checkpointed first;
  const auto written = write_one(first, graph_of("test.rooted@1", 2), 3);
  const auto expected = table_after(count_of(*written, "source"), first.w.plot());
  const auto at_end = table_after(total, first.w.plot());
  other_process other(*written, 3);
  const auto foreign = other.write();

  const auto same = restore(foreign, changed(*foreign, 2), {}, expected);
  CHECK(same.outcome.outcome == committed);
  for (const auto* name : {"keep:0/2", "keep:1/2"})
    CHECK(same.counts.at(name) == count_of(*foreign, name));
  CHECK(same.entries == at_end);

  const auto refused = restore(foreign, changed(*foreign, 3));
  CHECK(refused.outcome.outcome == transition_outcome::refused);
  CHECK_FALSE(refused.runs);
  for (const auto* part :
       {"operator 'keep' (test.rooted@1) cannot go from 2 to 3 replicas", "has no keys",
        "restore it with replicas = 2, or give it up with --drop-state keep"})
    CHECK_MESSAGE(contains(refused.outcome.reason, part), refused.outcome.reason);

  const auto given_up = restore(foreign, changed(*foreign, 3), {"keep"}, expected);
  CHECK(given_up.outcome.outcome == committed);
  CHECK(contains(given_up.outcome.what, "state DROPPED"));
  CHECK(given_up.counts.count("keep:0/3") == 0);
  CHECK(given_up.entries == at_end);
}

TEST_CASE("state without keys that can be merged comes back to any number") {
  checkpointed first;
  const auto written = write_one(first, graph_of("test.tally@1", 3), 3);
  const auto expected = table_after(count_of(*written, "source"), first.w.plot());
  other_process other(*written, 3);
  const auto foreign = other.write();
  std::uint64_t handled = 0;
  for (const auto* name : {"keep:0/3", "keep:1/3", "keep:2/3"}) handled += count_of(*foreign, name);
  CHECK(handled == count_of(*foreign, "source"));
  for (const std::uint32_t replicas : {1, 2, 3, 4, 7}) {
    CAPTURE(replicas);
    std::uint64_t at_end = 0;
    const auto done =
        restore(foreign, changed(*foreign, replicas), {}, expected, {}, [&](const script& s) {
          for (const auto& [name, count] : s.handled.at("keep").second) at_end += count;
        });
    CHECK_MESSAGE(done.outcome.outcome == committed, done.outcome.reason);
    CHECK(at_end == total);
  }
}

TEST_CASE("replicas are given up all at once, by the name that the graph file has for them") {
  checkpointed first;
  const auto written = write_one(first, graph_of("test.shard@1", 2), 2);
  const auto anew = restore(written, changed(*written, 2), {"keep"});
  CHECK(anew.outcome.outcome == committed);
  for (const auto& [key, seen] : anew.entries) CHECK(seen < 1'000); // nothing that was preloaded

  const auto one = restore(written, changed(*written, 2), {"keep:0/2"}).outcome;
  CHECK(one.outcome == transition_outcome::refused);
  CHECK(contains(one.reason, "--drop-state keep:0/2: it is one of the replicas of 'keep'; give "
                             "--drop-state keep"));
  const auto needless = restore(written, changed(*written, 3), {"keep"}).outcome;
  CHECK(needless.outcome == transition_outcome::refused);
  CHECK(contains(needless.reason, "leave --drop-state keep out"));

  const auto lost =
      restore(written, world::make_graph({"source -> key -> sink"}, {{"key", "test.keyer@1"}}))
          .outcome;
  CHECK(lost.outcome == transition_outcome::refused);
  CHECK(contains(lost.reason, "operator 'keep': the checkpoint has state of it (test.shard@1)"));
  CHECK(lost.reason.find("keep:") == std::string::npos);
}

TEST_CASE("replicas go on under another name") {
  checkpointed first;
  const auto written = write_one(first, graph_of("test.rooted@1", 2), 4);
  const auto expected = table_after(count_of(*written, "source"), first.w.plot());
  other_process other(*written, 4);
  const auto foreign = other.write();
  auto renamed = changed(*foreign, 2);
  for (auto& op : renamed.operators)
    if (op.name == "keep") {
      op.name = "store";
      op.was = "keep";
    }
  for (auto& a : renamed.arcs) {
    if (a.from == "keep") a.from = "store";
    if (a.to == "keep") a.to = "store";
  }
  const auto put = [&](script& s) {
    for (const auto& [key, seen] : expected) s.tables[{"store", key}] = seen;
  };
  const auto done = restore(foreign, renamed, {}, {}, put);
  CHECK_MESSAGE(done.outcome.outcome == committed, done.outcome.reason);
  CHECK(done.counts.at("store:1/2") == count_of(*foreign, "keep:1/2"));
}

TEST_CASE("a replica that cannot take over what is its keeps the service from starting") {
  checkpointed first;
  const auto written = write_one(first, graph_of("test.shard@1", 2), 2);
  const auto entries = merged(*written);
  const auto failed = restore(written, changed(*written, 3, 2), {}, entries,
                              [&](script& s) { s.throws_at_key = entries.begin()->first; });
  CHECK(failed.outcome.outcome == transition_outcome::rolled_back);
  CHECK(contains(failed.outcome.reason, "told to fail on a key"));
  CHECK(contains(failed.outcome.reason, "operator 'keep:"));
  CHECK_FALSE(failed.runs);
}

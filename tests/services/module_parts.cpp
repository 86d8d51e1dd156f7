// Keyed state of all operators of the tree, filled by chance, from every version to every other: in
// parts of any size while it changes, taken out, asked for, and split.
#include "actors/lanes.hpp"
#include "actors/part_puller.hpp"
#include "services/module_world.hpp"
#include "services/random_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace instar;
using test::module_world;

namespace {

using chance = std::mt19937_64;
using content = std::vector<std::string>;
constexpr auto all = std::numeric_limits<std::size_t>::max();

/// How a part is cut.
struct chunk {
  std::size_t least, bytes;
};
constexpr chunk chunks[] = {{1, 1}, {1, all}, {7, 200}, {64, parted_state::part_bytes}, {all, all}};

/// The versions of one operator with keyed state, and the ways between them.
class family {
public:
  /// More entries than a bin of the map has; times until the year 3084. What a version of kv.store
  /// keeps for later ones, only those have written.
  static constexpr test::choice written{
      .texts = 2000, .numbers = std::uint64_t{1} << 45, .without = "later"};

  family(module_world& w, const std::string& name) : w_(w) {
    for (auto& type : w.offered(name))
      if (type.part_schema != 0) types_.push_back(std::move(type));
    for (const auto& from : types_) {
      schemas_.push_back(std::make_unique<test::dynamic_schemas>(from.schemas));
      probes_.push_back(w.make(from));
      auto& ways = ways_.emplace_back();
      for (const auto& to : types_) ways.push_back(way(from, to));
    }
  }

  std::size_t size() const { return types_.size(); }
  const operator_description& type(std::size_t of) const { return types_[of]; }
  operator_instance make(std::size_t of) { return w_.make(types_[of]); }
  state_header header(std::size_t of) const {
    const auto& type = types_[of];
    return {type.name, type.version, type.part_schema, type.state_version};
  }
  /// Nothing if there is none.
  const std::optional<conversion>& way(std::size_t from, std::size_t to) const {
    return ways_[from][to];
  }

  /// Puts in a part that chance has written in the schema of some version.
  void change(operator_base& one, std::size_t of, chance& random) {
    for (int tries = 0; tries < 10'000; ++tries)
      if (const auto part = random_part(random() % size(), of, random)) return give(one, *part);
    throw std::runtime_error("nobody takes what chance writes for " + types_[of].reference());
  }
  /// One with the entries that chance has given to this version; the same ones each time.
  operator_instance make_filled(std::size_t of, chance& random) {
    auto& filled = filled_[of];
    if (!filled) {
      filled = make(of);
      for (std::size_t by = 0; by < size(); ++by) fill(*filled, by, of, random);
      REQUIRE(filled->parts()->size() > 300);
    }
    return copy(*filled, of, of);
  }

  /// Every entry as text, in the order of these. Leaves the state as it is.
  content content_of(operator_base& one, std::size_t of) const {
    auto& parts = *one.parts();
    const auto schema = schemas_[of]->find(types_[of].part_schema);
    content found;
    const auto nothing = [&] {
      state_writer writer(header(of));
      parts.write_changed(0, writer);
      return test::text_of(writer.finish(), schema);
    }();
    const auto add = [&](state_writer& writer) {
      auto text = test::text_of(writer.finish(), schema);
      if (text != nothing) found.push_back(std::move(text));
    };
    for (auto at = parted_state::begin; at != parted_state::end;) {
      state_writer writer(header(of));
      at = parts.write(at, 1, 1, writer); // the others of its bin count as changed
      add(writer);
    }
    while (parts.changed() > 0) {
      state_writer writer(header(of));
      parts.write_changed(1, writer);
      add(writer);
    }
    parts.forget_changes();
    std::sort(found.begin(), found.end());
    CHECK(found.size() == parts.size());
    return found;
  }

  /// All of it at once, while nothing happens: what any other way has to come to as well.
  operator_instance copy(operator_base& from, std::size_t old_type, std::size_t new_type) {
    auto made = make(new_type);
    give(*made, all_of(from, old_type, new_type));
    return made;
  }
  static void give(operator_base& to, const state& part) {
    state_reader reader(part);
    to.parts()->read(reader);
  }

private:
  state all_of(operator_base& from, std::size_t old_type, std::size_t new_type) const {
    state_writer writer(header(old_type));
    const auto end = from.parts()->write(parted_state::begin, all, all, writer);
    CHECK(end == parted_state::end);
    from.parts()->forget_changes();
    return (*way(old_type, new_type))(writer.finish());
  }
  std::optional<conversion> way(const operator_description& from, const operator_description& to) {
    const auto plan = test::plan_between(w_, from, to);
    if (plan.refused()) return std::nullopt;
    // Of one to itself the object itself may go.
    const auto& by = plan.operators[0].parts_by;
    return by.moves() ? w_.load(by, to) : conversion();
  }

  /// With what another version has taken and writes.
  void fill(operator_base& one, std::size_t by, std::size_t of, chance& random) {
    if (!way(by, of)) return;
    const auto other = make(by);
    for (int i = 0; i < 500; ++i)
      if (const auto part = random_part(by, by, random)) give(*other, *part);
    give(one, all_of(*other, by, of));
  }

  /// In the schema of one version, for another; nothing if that is not for all of them to take.
  std::optional<state> random_part(std::size_t by, std::size_t of, chance& random) {
    if (!way(by, of)) return std::nullopt;
    return taken_by_all(schemas_[by]->random(header(by), random, written), by, of);
  }

  std::optional<state> taken_by_all(const state& part, std::size_t by, std::size_t of) {
    std::optional<state> taken;
    for (std::size_t i = 0; i < size(); ++i) {
      if (!way(by, i)) continue;
      auto& probe = *probes_[i]->parts();
      bool fits = true;
      try {
        auto converted = (*way(by, i))(part);
        give(*probes_[i], converted);
        if (i == of) taken = std::move(converted);
      } catch (const std::exception&) { // what no version has written
        fits = false;
      }
      probe.clear();
      if (!fits) return std::nullopt;
    }
    return taken;
  }

  module_world& w_;
  std::vector<operator_description> types_;
  std::vector<std::unique_ptr<test::dynamic_schemas>> schemas_;
  std::vector<operator_instance> probes_;
  std::map<std::size_t, operator_instance> filled_;
  std::vector<std::vector<std::optional<conversion>>> ways_; // from, to
};

/// Calls `each` with every operator of the tree that has keyed state, and each two of its versions
/// that have a way; returns how many times.
template <class Each>
std::size_t for_each_pair(module_world& w, Each each) {
  std::size_t pairs = 0;
  for (const auto& name : w.names()) {
    family all_of(w, name);
    for (std::size_t from = 0; from < all_of.size(); ++from)
      for (std::size_t to = 0; to < all_of.size(); ++to) {
        if (!all_of.way(from, to)) continue;
        CAPTURE(all_of.type(from).reference());
        CAPTURE(all_of.type(to).reference());
        each(all_of, from, to);
        ++pairs;
      }
  }
  return pairs;
}

/// An entry that only one of them has; nothing if they are the same.
std::string differing(const content& a, const content& b) {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at.first == a.end() && at.second == b.end()) return {};
  return (at.first == a.end() ? "nothing" : *at.first) + " instead of " +
         (at.second == b.end() ? "nothing" : *at.second);
}

/// What is to come to a version of what another has.
content expected_of(family& f, operator_base& source, std::size_t from, std::size_t to) {
  const auto whole = f.copy(source, from, to);
  return f.content_of(*whole, to);
}

} // namespace

TEST_CASE(
    "keyed state of every operator goes to every version in parts of any size as it changes") {
  module_world w;
  chance random(41);
  const auto pairs = for_each_pair(w, [&](family& f, std::size_t from, std::size_t to) {
    const auto source = f.make_filled(from, random);
    for (const auto& c : chunks) {
      CAPTURE(c.least);
      CAPTURE(c.bytes);
      const auto target = f.make(to);
      auto& parts = *source->parts();
      const auto send = [&](auto write) {
        state_writer writer(f.header(from));
        write(writer);
        family::give(*target, (*f.way(from, to))(writer.finish()));
      };
      int n = 0;
      for (auto at = parted_state::begin; at != parted_state::end; ++n) {
        send([&](state_writer& to_part) { at = parts.write(at, c.least, c.bytes, to_part); });
        if (n % 3 == 0) f.change(*source, from, random);
      }
      for (n = 0; parts.changed() > 0; ++n) {
        send([&](state_writer& to_part) { parts.write_changed(c.least, to_part); });
        if (n < 30) f.change(*source, from, random);
      }
      parts.forget_changes();
      const auto got = f.content_of(*target, to);
      CHECK(differing(got, expected_of(f, *source, from, to)) == "");
      if (from == to) CHECK(differing(got, f.content_of(*source, from)) == "");
    }
  });
  CHECK(pairs >= 25);
}

TEST_CASE("keyed state goes to every version and back, and says the same again") {
  module_world w;
  chance random(43);
  const auto pairs = for_each_pair(w, [&](family& f, std::size_t from, std::size_t to) {
    if (!f.way(to, from)) return;
    const auto source = f.make_filled(from, random);
    const auto there = f.copy(*source, from, to);
    const auto back = f.copy(*there, to, from);
    CHECK(there->parts()->size() == source->parts()->size());
    // A converter that may lose something on the way would have to be left out here, by name.
    CHECK(differing(f.content_of(*back, from), f.content_of(*source, from)) == "");
  });
  CHECK(pairs >= 25);
}

TEST_CASE("keyed state is taken out bin by bin, in any order, and nothing of it is left behind") {
  module_world w;
  chance random(47);
  const auto pairs = for_each_pair(w, [&](family& f, std::size_t from, std::size_t to) {
    for (const std::size_t least : {std::size_t{1}, std::size_t{7}, std::size_t{256}, all}) {
      const auto source = f.make_filled(from, random);
      const auto expected = expected_of(f, *source, from, to);
      const auto target = f.make(to);
      for (auto at = parted_state::begin; at != parted_state::end;) {
        state_writer writer(f.header(from));
        at = source->parts()->take(at, parted_state::end, least, writer);
        family::give(*target, (*f.way(from, to))(writer.finish()));
      }
      CHECK(source->parts()->size() == 0);
      CHECK(differing(f.content_of(*target, to), expected) == "");
    }
    // As a successor that serves does it: by itself, and out of turn what it asks for.
    for (const bool asks : {false, true}) {
      std::shared_ptr<operator_base> source = f.make_filled(from, random);
      const auto expected = expected_of(f, *source, from, to);
      const auto target = f.make(to);
      part_puller puller({source, source->parts(), f.header(from)}, *f.way(from, to),
                         *target->parts());
      target->parts()->draw_from(&puller);
      CHECK(target->parts()->size() == expected.size());
      while (puller.left() > 0 && !puller.failed()) {
        const auto at = random();
        if (asks) puller.fetch(at, at + (parted_state::end - at) / (1 + random() % 20));
        else puller.work()();
        puller.advance();
        if (asks && random() % 20 == 0) CHECK(differing(f.content_of(*target, to), expected) == "");
      }
      REQUIRE_MESSAGE(!puller.failed(), *puller.failed());
      target->parts()->draw_from(nullptr);
      CHECK(source->parts()->size() == 0);
      CHECK(differing(f.content_of(*target, to), expected) == "");
    }
  });
  CHECK(pairs >= 25);
}

TEST_CASE("keyed state is split by places, and each entry goes to one of those that share it") {
  module_world w;
  chance random(53);
  const auto pairs = for_each_pair(w, [&](family& f, std::size_t from, std::size_t to) {
    const auto source = f.make_filled(from, random);
    const auto expected = expected_of(f, *source, from, to);
    for (const std::size_t shares : {2, 3, 64}) {
      std::vector<operator_instance> targets;
      for (std::size_t i = 0; i < shares; ++i) targets.push_back(f.make(to));
      for (auto at = parted_state::begin; at != parted_state::end;) {
        state_writer writer(f.header(from));
        at = source->parts()->write(at, 64, parted_state::part_bytes, writer);
        const auto part = (*f.way(from, to))(writer.finish());
        for (std::size_t i = 0; i < shares; ++i) {
          const auto range = range_of(i, shares);
          state_reader reader(part);
          targets[i]->parts()->read(reader, range.from, range.to);
        }
      }
      // What did not fit into a part of its bin.
      while (source->parts()->changed() > 0) {
        state_writer writer(f.header(from));
        source->parts()->write_changed(64, writer);
        const auto part = (*f.way(from, to))(writer.finish());
        for (std::size_t i = 0; i < shares; ++i) {
          const auto range = range_of(i, shares);
          state_reader reader(part);
          targets[i]->parts()->read(reader, range.from, range.to);
        }
      }
      source->parts()->forget_changes();
      content together;
      for (const auto& one : targets)
        for (auto& entry : f.content_of(*one, to)) together.push_back(std::move(entry));
      std::sort(together.begin(), together.end());
      CHECK(differing(together, expected) == "");
    }
  });
  CHECK(pairs >= 25);
}

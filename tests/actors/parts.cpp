// Keyed state on its way: ahead of the cut (part_sender), after the commit (part_puller).

#include "actors/operator.hpp"
#include "actors/part_puller.hpp"
#include "actors/part_sender.hpp"
#include "parts_test.capnp.h"
#include "transfer/keyed_state.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

using namespace instar;

namespace {

using text_map = tracked_map<std::string, std::uint64_t>;

struct codec {
  using part = TextPart;
  static void write(std::span<const text_map::entry* const> entries,
                    std::span<const std::string> gone, TextPart::Builder to) {
    auto list = to.initEntries(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(entries[i]->key);
      list[i].setValue(entries[i]->value);
    }
    auto keys = to.initGone(static_cast<unsigned>(gone.size()));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, gone[i]);
  }
  template <class Put, class Gone>
  static void read(TextPart::Reader from, Put put, Gone gone) {
    for (const auto e : from.getEntries()) put(std::string(e.getKey().cStr()), e.getValue());
    for (const auto k : from.getGone()) gone(std::string_view(k.cStr(), k.size()));
  }
  static std::size_t bytes(const text_map::entry& e) { return e.key.size() + 8; }
};

using text_state = keyed_state<text_map, codec>;
using model = std::map<std::string, std::uint64_t>;

const state_header header{"test", 1, capnp::typeId<TextPart>(), 1};

/// A map and what it should hold, changed at random.
struct pair {
  text_state state;
  model known;
  std::mt19937_64 random;
  std::uint64_t keys = 1;

  void change() {
    const auto key = (random() % 50 == 0 ? std::string(200'000, 'x') : std::string("key ")) +
                     std::to_string(random() % keys);
    if (random() % 4 == 0) {
      CHECK(state.entries().erase(key) == (known.erase(key) == 1));
    } else if (random() % 4 == 0) {
      auto* value = state.entries().edit(key);
      REQUIRE((value != nullptr) == known.contains(key));
      if (value) known[key] = ++*value;
    } else {
      state.entries().insert_or_assign(key, known[key] = random());
    }
  }
  void fill() {
    for (std::uint64_t n = 0; n < keys; ++n) change();
  }
};

model content(const text_state& of) {
  model all;
  of.entries().for_each([&](const text_map::entry& e) { all[e.key] = e.value; });
  return all;
}

void read(text_state& into, const sent_part& part) {
  state_reader reader(part.content);
  into.read(reader, part.from_key, part.to_key);
}

struct nothing : operator_base {
  void on_packet(context&, std::size_t, packet) override {}
};

} // namespace

TEST_CASE("what was sent ahead, and what is left at the cut, is all of it") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    pair from{{}, {}, std::mt19937_64(seed), 1 + seed * 97 % 5'000};
    from.fill();
    text_state to;
    part_sender sender(from.state, header, false);
    std::deque<sent_part> on_the_way;
    bool near_end = false;
    for (int steps = 0; !near_end && steps < 100'000; ++steps) {
      if (sender.ready()) on_the_way.push_back(sender.next());
      CHECK(on_the_way.size() <= part_sender::window);
      if (from.random() % 3 == 0) from.change();
      if (!on_the_way.empty() && from.random() % 2 == 0) {
        read(to, on_the_way.front());
        on_the_way.pop_front();
        sender.taken();
      }
      CHECK(sender.sent() <= sender.total());
      near_end = sender.near_end();
    }
    CHECK(near_end);
    for (int n = 0; n < 100; ++n) from.change();
    while (auto part = sender.rest()) on_the_way.push_back(std::move(*part));
    for (const auto& part : on_the_way) read(to, part);
    CHECK(content(to) == from.known);
    CHECK(to.size() == from.known.size());
  }
}

TEST_CASE("no part is much larger than it may be, however large the entries are") {
  pair from{{}, {}, std::mt19937_64(1), 2'000};
  for (int n = 0; n < 300; ++n)
    from.state.entries().insert_or_assign(std::string(10'000, 'k') + std::to_string(n), 1u);
  part_sender sender(from.state, header, false);
  std::size_t parts = 0;
  for (; !sender.near_end(); ++parts) {
    REQUIRE(parts < 10'000);
    CHECK(sender.next().content.size_bytes() < parted_state::part_bytes + 25'000);
    sender.taken();
  }
  CHECK(parts >= 300 * 10'000 / (parted_state::part_bytes + 25'000));
}

TEST_CASE("a rehearsal sends all of it once, and leaves nothing to be remembered") {
  pair from{{}, {}, std::mt19937_64(7), 3'000};
  from.fill();
  std::size_t entries = 0;
  {
    part_sender sender(from.state, header, true);
    while (!sender.near_end()) {
      const auto part = sender.next();
      state_reader reader(part.content);
      entries += reader.root<TextPart>().getEntries().size();
      sender.taken();
      from.change();
    }
    CHECK_FALSE(sender.rest());
  }
  CHECK(from.state.changed() == 0);
  CHECK(entries > from.known.size() / 2);
}

TEST_CASE("of several successors each gets what has its place in its range") {
  pair from{{}, {}, std::mt19937_64(3), 4'000};
  from.fill();
  for (const std::uint64_t count : {2, 3, 5}) {
    std::vector<text_state> to(count);
    part_sender sender(from.state, header, false);
    while (!sender.near_end() || from.state.changed() > 0) {
      auto part = sender.near_end() ? *sender.rest() : sender.next();
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto border = [&](std::uint64_t n) {
          return n == count ? parted_state::end
                            : static_cast<std::uint64_t>((static_cast<unsigned __int128>(n) << 64) /
                                                         count);
        };
        part.from_key = border(i);
        part.to_key = border(i + 1);
        read(to[i], part);
      }
      if (!sender.near_end()) sender.taken();
    }
    model all;
    std::size_t size = 0;
    for (const auto& one : to) {
      const auto part = content(one);
      CHECK(part.size() > from.known.size() / count / 2);
      all.insert(part.begin(), part.end());
      size += part.size();
    }
    CHECK(size == all.size());
    CHECK(all == from.known);
  }
}

TEST_CASE("a successor finds everything at once, and in the end has it") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    pair before{{}, {}, std::mt19937_64(seed), 1 + seed * 101 % 5'000};
    before.fill();
    pair after{{}, before.known, std::mt19937_64(seed + 1'000), before.keys};
    const auto owner = std::make_shared<nothing>();
    part_puller puller({owner, &before.state, header}, {}, after.state);
    after.state.draw_from(&puller);
    CHECK(after.state.size() == before.known.size());
    const bool elsewhere = seed % 2 == 0;
    std::thread worker;
    for (bool more = true; more;) {
      for (auto n = after.random() % 30; n > 0; --n) after.change();
      CHECK(after.state.size() == after.known.size());
      if (after.random() % 40 == 0) CHECK(content(after.state) == after.known);
      if (after.random() % 100 == 0) {
        after.state.clear();
        after.known.clear();
      }
      if (worker.joinable()) worker.join();
      more = puller.advance();
      if (elsewhere) worker = std::thread(puller.work());
      else puller.work()();
    }
    if (worker.joinable()) worker.join();
    CHECK_FALSE(puller.failed());
    CHECK(puller.left() == 0);
    CHECK(before.state.size() == 0);
    after.state.draw_from(nullptr);
    CHECK(content(after.state) == after.known);
  }
}

TEST_CASE("a part that cannot be converted is reported, whoever came across it") {
  const auto refuse = [](state_reader&, state_writer&) { throw std::runtime_error("no"); };
  for (const bool asked : {true, false}) {
    pair before{{}, {}, std::mt19937_64(1), 100};
    before.fill();
    text_state after;
    part_puller puller({std::make_shared<nothing>(), &before.state, header},
                       conversion({{header, refuse, nullptr}}), after);
    after.draw_from(&puller);
    if (asked) {
      CHECK(after.entries().find("key 1") == nullptr);
    } else {
      puller.work()();
      CHECK_FALSE(puller.advance());
    }
    REQUIRE(puller.failed());
    CHECK(*puller.failed() == "no");
  }
}

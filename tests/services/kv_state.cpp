#include "services/kv/convert_1_2.hpp"
#include "services/kv/convert_2_3.hpp"
#include "services/kv/convert_3_4.hpp"
#include "services/kv/convert_4_5.hpp"
#include "services/kv_parts.hpp"

#include <doctest/doctest.h>

#include <capnp/message.h>

#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::kv;
using instar::test::bare_store;
using instar::test::test_ms;

namespace {

std::string random_text(std::mt19937_64& random) {
  switch (random() % 5) {
  case 0:
    return std::to_string(static_cast<std::int64_t>(random()));
  case 1:
    return std::to_string(random() % 100);
  case 2:
    return {};
  default:
    std::string text(random() % (random() % 20 == 0 ? 300 : 30), '\0');
    for (auto& c : text) c = static_cast<char>(random());
    return text;
  }
}

std::string ask(auto& s, std::initializer_list<std::string_view> args) {
  return test::show_all(s.raw(test::command(args)));
}

/// Fills a store with whatever its version knows.
template <class Model>
void fill(bare_store<Model>& s, std::mt19937_64& random, int steps) {
  const auto key = [&] { return "key" + std::to_string(random() % 300); };
  for (int i = 0; i < steps; ++i) {
    const auto k = key(), a = random_text(random), b = random_text(random);
    switch (random() % 8) {
    case 0:
    case 1:
      ask(s, {"SET", k, a});
      break;
    case 2:
      ask(s, {"DEL", k});
      break;
    case 3:
      ask(s, {"APPEND", k, std::to_string(random() % 10)});
      break;
    case 4:
      ask(s, {random() % 2 ? "LPUSH" : "RPUSH", k, a, b});
      break;
    case 5:
      ask(s, {"PEXPIRE", k, std::to_string(random() % 100'000 + 1'000)});
      break;
    case 6:
      for (int n = random() % 10 == 0 ? 50 : 1; n > 0; --n)
        ask(s, {"HSET", k, random_text(random), a, "other", b});
      break;
    default:
      ask(s, {"INCR", k});
    }
  }
}

/// All that a store has, as clients see it, and what it keeps for later versions.
template <class Model>
std::map<std::string, std::string> content(bare_store<Model>& s) {
  std::map<std::string, std::string> all;
  std::vector<std::pair<std::string, std::string>> entries;
  s.state.entries().for_each([&](const auto& e) {
    std::string kept;
    if constexpr (Model::codec::value::keeps_later) kept = e.value.later_bytes();
    entries.emplace_back(std::string_view(e.key), kept);
  });
  for (const auto& [k, kept] : entries) {
    auto type = ask(s, {"TYPE", k});
    std::string text = type + " ";
    if (type == "string") text += ask(s, {"GET", k});
    if (type == "list") text += ask(s, {"LRANGE", k, "0", "-1"});
    if (type == "hash") {
      std::map<std::string, std::string> fields;
      const auto* v = s.state.entries().find(k);
      if constexpr (Model::codec::value::hashes)
        v->hash().for_each(
            [&](auto name, auto value) { CHECK(fields.emplace(name, value).second); });
      for (const auto& [name, value] : fields) text += name + "=" + value + ",";
    }
    if constexpr (Model::codec::value::expiry) text += " " + ask(s, {"PTTL", k});
    CHECK(all.emplace(k, text + kept).second);
  }
  return all;
}

state_writer writer_for() { return state_writer({"kv.store", 1, 1, 1}); }

/// Takes all parts of one store, as the framework does, and gives each to `put`.
template <class Model, class Put>
void each_part(bare_store<Model>& from, std::size_t least, Put put) {
  for (auto place = parted_state::begin; place != parted_state::end;) {
    auto part = writer_for();
    place = from.state.write(place, least, parted_state::part_bytes, part);
    put(part.finish());
  }
}

template <class From, class To, auto Convert>
state converted(const state& part) {
  state_reader reader(part);
  auto made = writer_for();
  Convert(reader.root<typename From::codec::part>(), made.init<typename To::codec::part>());
  return made.finish();
}

template <class Model>
void read_into(bare_store<Model>& to, const state& part) {
  state_reader reader(part);
  to.state.read(reader);
}

/// From one version to its neighbour by way of parts.
template <class From, class To, auto Convert>
void move(bare_store<From>& from, bare_store<To>& to, std::size_t least) {
  each_part(from, least,
            [&](const state& part) { read_into(to, converted<From, To, Convert>(part)); });
  from.state.forget_changes();
}

} // namespace

TEST_CASE_TEMPLATE("entries go over in parts of any size while they change", Model, model_v1,
                   model_v2, model_v3, model_v4, model_v5) {
  std::mt19937_64 random(Model::version);
  for (const std::size_t least : {1, 7, 100, 100'000}) {
    bare_store<Model> from, to;
    fill(from, random, 3000);
    each_part(from, least, [&](const state& part) {
      read_into(to, part);
      fill(from, random, 20);
    });
    while (from.state.changed() > 0) {
      auto part = writer_for();
      from.state.write_changed(least, part);
      read_into(to, part.finish());
    }
    CHECK(content(from).size() > 100);
    CHECK(content(to) == content(from));
    // And once more, taken out.
    bare_store<Model> last;
    from.state.forget_changes();
    for (auto place = parted_state::begin; place != parted_state::end;) {
      auto part = writer_for();
      place = to.state.take(place, parted_state::end, least, part);
      read_into(last, part.finish());
    }
    CHECK(to.state.size() == 0);
    CHECK(content(last) == content(from));
  }
}

TEST_CASE("the way up and back down changes nothing") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 10; ++round) {
    bare_store<model_v1> v1, back1;
    bare_store<model_v2> v2, back2;
    bare_store<model_v3> v3, back3;
    bare_store<model_v4> v4, back4;
    bare_store<model_v5> v5;
    fill(v1, random, 1000);
    move<model_v1, model_v2, &part_1_to_2>(v1, v2, 10);
    fill(v2, random, 1000);
    move<model_v2, model_v1, &part_2_to_1>(v2, back1, 10);
    bare_store<model_v2> again2;
    move<model_v1, model_v2, &part_1_to_2>(back1, again2, 10);
    CHECK(content(again2) == content(v2));

    move<model_v2, model_v3, &part_2_to_3>(v2, v3, 10);
    fill(v3, random, 1000);
    move<model_v3, model_v2, &part_3_to_2>(v3, back2, 10);
    bare_store<model_v3> again3;
    move<model_v2, model_v3, &part_2_to_3>(back2, again3, 10);
    CHECK(content(again3) == content(v3));

    move<model_v3, model_v4, &part_3_to_4>(v3, v4, 10);
    fill(v4, random, 1000);
    move<model_v4, model_v3, &part_4_to_3>(v4, back3, 10);
    bare_store<model_v4> again4;
    move<model_v3, model_v4, &part_3_to_4>(back3, again4, 10);
    CHECK(content(again4) == content(v4));

    move<model_v4, model_v5, &part_4_to_5>(v4, v5, 10);
    CHECK(content(v5) == content(v4));
    fill(v5, random, 1000);
    move<model_v5, model_v4, &part_5_to_4>(v5, back4, 10);
    CHECK(content(back4) == content(v5));
  }
}

TEST_CASE("from 5 down to 1 and up again nothing is lost") {
  std::mt19937_64 random(12);
  bare_store<model_v1> d1;
  bare_store<model_v2> d2, u2;
  bare_store<model_v3> d3, u3;
  bare_store<model_v4> d4, u4;
  bare_store<model_v5> v5, u5;
  fill(v5, random, 5000);
  move<model_v5, model_v4, &part_5_to_4>(v5, d4, 30);
  move<model_v4, model_v3, &part_4_to_3>(d4, d3, 30);
  move<model_v3, model_v2, &part_3_to_2>(d3, d2, 30);
  move<model_v2, model_v1, &part_2_to_1>(d2, d1, 30);
  CHECK(d1.state.size() == v5.state.size());
  move<model_v1, model_v2, &part_1_to_2>(d1, u2, 30);
  move<model_v2, model_v3, &part_2_to_3>(u2, u3, 30);
  move<model_v3, model_v4, &part_3_to_4>(u3, u4, 30);
  move<model_v4, model_v5, &part_4_to_5>(u4, u5, 30);
  CHECK(content(u5) == content(v5));
}

TEST_CASE("what an older version cannot express it can keep, delete and replace") {
  bare_store<model_v4> v4;
  ask(v4, {"HSET", "h", "a", "1"});
  ask(v4, {"PEXPIRE", "h", "5000"});
  ask(v4, {"RPUSH", "l", "x"});
  ask(v4, {"SET", "t", "1", "PX", "5000"});
  bare_store<model_v3> v3;
  move<model_v4, model_v3, &part_4_to_3>(v4, v3, 10);
  CHECK(ask(v3, {"TYPE", "h"}) == "later");
  CHECK(ask(v3, {"PTTL", "h"}) == ":5000");
  CHECK(ask(v3, {"LRANGE", "l", "0", "-1"}) == "['x']");
  bare_store<model_v2> v2;
  move<model_v3, model_v2, &part_3_to_2>(v3, v2, 10);
  bare_store<model_v1> v1;
  move<model_v2, model_v1, &part_2_to_1>(v2, v1, 10);
  CHECK(ask(v1, {"TYPE", "h"}) == "later");
  CHECK(ask(v1, {"TYPE", "l"}) == "later");
  CHECK(ask(v1, {"GET", "l"}).substr(0, 10) == "-WRONGTYPE");
  CHECK(ask(v1, {"APPEND", "h", "x"}).substr(0, 10) == "-WRONGTYPE");
  CHECK(ask(v1, {"EXISTS", "h", "l", "t"}) == ":3");
  CHECK(ask(v1, {"INCR", "t"}) == ":2"); // keeps its expiry
  CHECK(ask(v1, {"SET", "l", "text"}) == "OK");
  CHECK(ask(v1, {"GET", "l"}) == "'text'");
  bare_store<model_v2> u2;
  move<model_v1, model_v2, &part_1_to_2>(v1, u2, 10);
  bare_store<model_v3> u3;
  move<model_v2, model_v3, &part_2_to_3>(u2, u3, 10);
  CHECK(ask(u3, {"PTTL", "t"}) == ":5000");
  CHECK(ask(u3, {"PTTL", "l"}) == ":-1");
  CHECK(ask(u3, {"GET", "l"}) == "'text'");
  test_ms += 5000;
  CHECK(ask(u3, {"EXISTS", "t", "h"}) == ":0");
}

TEST_CASE("keys without an entry are told to any version") {
  auto first = writer_for();
  auto keys = first.init<KvPart1>().initGone(3);
  for (unsigned i = 0; i < 3; ++i) keys.set(i, data_of("k" + std::to_string(i)));
  auto part = first.finish();
  part = converted<model_v1, model_v2, &part_1_to_2>(part);
  part = converted<model_v2, model_v3, &part_2_to_3>(part);
  part = converted<model_v3, model_v4, &part_3_to_4>(part);
  part = converted<model_v4, model_v5, &part_4_to_5>(part);
  bare_store<model_v5> v5;
  for (const char* k : {"k0", "k1", "k2", "k3"}) ask(v5, {"SET", k, "1"});
  read_into(v5, part);
  CHECK(ask(v5, {"KEYS", "*"}) == "['k3']");
  part = converted<model_v5, model_v4, &part_5_to_4>(part);
  part = converted<model_v4, model_v3, &part_4_to_3>(part);
  part = converted<model_v3, model_v2, &part_3_to_2>(part);
  part = converted<model_v2, model_v1, &part_2_to_1>(part);
  bare_store<model_v1> v1;
  for (const char* k : {"k0", "k1", "k2", "k3"}) ask(v1, {"SET", k, "1"});
  read_into(v1, part);
  CHECK(ask(v1, {"KEYS", "*"}) == "['k3']");
}

TEST_CASE("malformed parts are refused, not believed") {
  std::mt19937_64 random(13);
  bare_store<model_v5> from;
  fill(from, random, 300);
  auto good = writer_for();
  from.state.write(parted_state::begin, 100'000, parted_state::part_bytes, good);
  const auto whole = good.finish();
  state_reader reader(whole);
  const auto packed = reader.root<KvPart5>().getPacked();
  const auto count = reader.root<KvPart5>().getCount();
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(reinterpret_cast<const char*>(packed.begin()), packed.size());
    if (round % 2) bytes.resize(random() % bytes.size());
    else
      for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    auto bad = writer_for();
    auto root = bad.init<KvPart5>();
    root.setCount(round % 3 == 0 ? ~0u : count);
    root.setPacked(data_of(bytes));
    const auto part = bad.finish();
    try {
      bare_store<model_v5> to;
      read_into(to, part);
    } catch (const std::runtime_error&) {
      ++refused;
    }
    CHECK_THROWS((round % 2) == 0 ? throw 0
                                  : (void)converted<model_v5, model_v4, &part_5_to_4>(part));
  }
  CHECK(refused > 1000);
}

TEST_CASE("what is kept for later but cannot be understood stays as it is, through all versions") {
  for (const std::string_view odd :
       {"\x01", "\x10", "\x07", "\x06", "\x02\xff", "\x02\x01", "odd"}) {
    const auto kept = later::unpack(odd);
    CHECK(later::unpack(kept.pack()).packed == kept.packed);
    CHECK_FALSE(kept.is_hash());
    CHECK_FALSE(kept.is_list());
    auto part = writer_for();
    auto entry = part.init<KvPart1>().initEntries(1)[0];
    entry.setKey(data_of("k"));
    entry.setLater(data_of(odd));
    const auto up = converted<model_v2, model_v3, &part_2_to_3>(
        converted<model_v1, model_v2, &part_1_to_2>(part.finish()));
    bare_store<model_v3> v3;
    read_into(v3, up);
    CHECK(ask(v3, {"TYPE", "k"}) == "later");
    CHECK(later::unpack(v3.state.entries().find("k")->later_bytes()).packed == kept.packed);
  }
}

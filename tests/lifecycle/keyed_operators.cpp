#include "actors/lanes.hpp"
#include "counting.hpp"
#include "transfer/converters.hpp"
#include "transfer/keyed_state.hpp"

#include <array>
#include <memory>
#include <span>
#include <utility>

namespace instar::test {

namespace {

using table_map = tracked_map<std::uint64_t, std::uint64_t>;

struct table_codec {
  using part = TablePart;

  static void write(std::span<const table_map::entry* const> entries,
                    std::span<const std::uint64_t> gone, TablePart::Builder to) {
    auto list = to.initEntries(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(entries[i]->key);
      list[i].setSeen(entries[i]->value);
    }
    auto keys = to.initGone(static_cast<unsigned>(gone.size()));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, gone[i]);
  }

  template <class Put, class Gone>
  static void read(TablePart::Reader from, Put put, Gone gone) {
    for (const auto e : from.getEntries()) put(e.getKey(), e.getSeen());
    for (const auto k : from.getGone()) gone(k);
  }
};

struct shard_codec {
  using part = ShardPart;

  static void write(std::span<const table_map::entry* const> entries,
                    std::span<const std::uint64_t> gone, ShardPart::Builder to) {
    auto rows = to.initRows(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < rows.size(); ++i) {
      rows[i].setKey(entries[i]->key);
      rows[i].setSeen(std::to_string(entries[i]->value));
    }
    auto keys = to.initGone(static_cast<unsigned>(gone.size()));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, gone[i]);
  }

  template <class Put, class Gone>
  static void read(ShardPart::Reader from, Put put, Gone gone) {
    for (const auto row : from.getRows()) put(row.getKey(), std::stoull(row.getSeen().cStr()));
    for (const auto k : from.getGone()) gone(k);
  }
};

void to_shard(TablePart::Reader from, ShardPart::Builder to) {
  to.setGone(from.getGone());
  const auto entries = from.getEntries();
  auto rows = to.initRows(entries.size());
  for (unsigned i = 0; i < entries.size(); ++i) {
    rows[i].setKey(entries[i].getKey());
    rows[i].setSeen(std::to_string(entries[i].getSeen()));
  }
}

void to_table(ShardPart::Reader from, TablePart::Builder to) {
  to.setGone(from.getGone());
  const auto rows = from.getRows();
  auto entries = to.initEntries(rows.size());
  for (unsigned i = 0; i < rows.size(); ++i) {
    entries[i].setKey(rows[i].getKey());
    entries[i].setSeen(std::stoull(rows[i].getSeen().cStr()));
  }
}

/// Takes over what it gets, but for a key that the script names.
template <class Codec>
class picky_state final : public parted_state {
public:
  keyed_state<table_map, Codec> all;
  const script* of = nullptr; ///< null: it takes over everything

  std::size_t size() const override { return all.size(); }
  void clear() override { all.clear(); }
  std::uint64_t write(std::uint64_t from, std::size_t least, std::size_t bytes,
                      state_writer& part) override {
    return all.write(from, least, bytes, part);
  }
  std::size_t changed() const override { return all.changed(); }
  void write_changed(std::size_t most, state_writer& part) override {
    all.write_changed(most, part);
  }
  void forget_changes() override { all.forget_changes(); }
  std::uint64_t take(std::uint64_t from, std::uint64_t to, std::size_t least,
                     state_writer& part) override {
    return all.take(from, to, least, part);
  }
  void read(state_reader& part, std::uint64_t from, std::uint64_t to) override {
    if (of)
      Codec::read(
          part.root<typename Codec::part>(),
          [&](std::uint64_t key, std::uint64_t) {
            if (key == of->throws_at_key && table_map::is_between(key, from, to))
              throw std::runtime_error("told to fail on a key");
          },
          [](std::uint64_t) {});
    all.read(part, from, to);
  }
  void draw_from(state_source* source) override { all.draw_from(source); }
};

/// What tables and objects do with an item.
class keeper : public counting {
public:
  using counting::counting;

  void on_start(context& ctx) override {
    counting::on_start(ctx);
    if (!restored_) preload();
  }

protected:
  virtual table_map& entries() = 0;

  void pass(context& ctx, const out_port<item>& out, packet p) {
    const auto& got = p.as<item>();
    const auto at = take(got);
    const auto key = got.number * 7919 % script_->keys;
    look(key);
    if (got.number % 5 == 4) {
      entries().erase(key);
      script_->tables.erase({name_, key});
    } else {
      ++entries().try_emplace(key).first;
      ++script_->tables[{name_, key}];
    }
    // Another one, only looked at: it may not have come yet.
    look((key + script_->keys / 2) % script_->keys);
    ctx.emit(out, make(got.number, at, out.name, &got), p.key);
  }

  void preload() {
    for (std::uint64_t k = 0; k < script_->preloaded; ++k)
      entries().insert_or_assign(k, script_->tables[{name_, k}] = k + 1'000);
  }

private:
  void look(std::uint64_t key) {
    const auto known = script_->tables.find({name_, key});
    const auto* found = std::as_const(entries()).find(key);
    const auto text = [](const auto* n) { return n ? std::to_string(*n) : "nothing"; };
    const auto* expected = known == script_->tables.end() ? nullptr : &known->second;
    if ((found ? *found : 0) != (expected ? *expected : 0))
      script_->breaches.push_back(name_ + " has " + text(found) + " for key " +
                                  std::to_string(key) + " instead of " + text(expected));
  }
};

template <std::uint32_t Version>
class table : public keeper {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.table",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1,
                                      .part_schema = capnp::typeId<TablePart>()};
  table() : keeper(type.name, Version) {
    if (Version == 2) state_.of = made_for;
  }

  void on_start(context& ctx) override {
    keeper::on_start(ctx);
    if (state_.size() != expected_size())
      script_->breaches.push_back(name_ + " has " + std::to_string(state_.size()) +
                                  " entries instead of " + std::to_string(expected_size()));
  }
  void on_packet(context& ctx, std::size_t, packet p) override { pass(ctx, out, std::move(p)); }
  parted_state* parts() override { return &state_; }

private:
  table_map& entries() override { return state_.all.entries(); }
  std::size_t expected_size() const {
    std::size_t n = 0;
    for (const auto& [key, count] : script_->tables) n += key.first == name_;
    return n;
  }

  picky_state<table_codec> state_;
};

/// Passes items on with one of the keys.
template <std::uint32_t Version>
class keyer : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.keyer",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  keyer() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const auto key = got.number * 7919 % script_->keys;
    if (ctx.lane(out.index, key) >= ctx.lanes(out.index))
      script_->breaches.push_back(name_ + " has no lane for key " + std::to_string(key));
    ctx.emit(out, make(got.number, take(got), out.name, &got), key);
  }
};

template <std::uint32_t Version>
struct shard_format {
  using codec = table_codec;
  static constexpr std::array<converter, 0> converters{};
};
template <>
struct shard_format<3> {
  using codec = shard_codec;
  static constexpr auto converters = instar::converters<&to_shard, &to_table>;
};

/// What an operator keeps besides its keys.
enum class rest {
  none,
  own,    ///< what all test operators count
  merged, ///< how many items it has had, and those whose work it goes on with
};

/// What is known of its keys goes by the name that the graph file has for all that share them.
template <std::uint32_t Version, rest Rest>
class shard_of : public counting {
public:
  using codec = typename shard_format<Version>::codec;
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = Rest == rest::none  ? "test.shard"
                                              : Rest == rest::own ? "test.rooted"
                                                                  : "test.tally",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema =
                                          Rest == rest::none ? 0 : capnp::typeId<StageState>(),
                                      .state_version = Rest == rest::none ? 0u : 1u,
                                      .part_schema = capnp::typeId<typename codec::part>(),
                                      .mergeable = Rest == rest::merged};
  static constexpr auto converters = shard_format<Version>::converters;
  shard_of() : counting(type.name, Version) {
    if (Version == 2) state_.of = made_for;
  }

  void on_start(context& ctx) override {
    counting::on_start(ctx);
    find_lane();
    const auto of_all = table_ + ":" + std::to_string(lanes_);
    auto& of_some = script_->handled[table_];
    if (of_some.first != of_all) of_some = {of_all, {}};
    of_some.second[name_] = handled_;
    if (ctx.epoch() == 1)
      for (std::uint64_t k = 0; k < script_->preloaded; ++k)
        if (is_own(k)) entries().insert_or_assign(k, script_->tables[{table_, k}] = k + 1'000);
    std::size_t expected = 0;
    for (const auto& [key, count] : script_->tables)
      expected += key.first == table_ && is_own(key.second);
    if (state_.size() != expected)
      breach("has " + std::to_string(state_.size()) + " entries instead of " +
             std::to_string(expected));
  }

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const auto at = take(got);
    script_->handled[table_].second[name_] = ++handled_;
    if (!is_own(p.key)) breach("got key " + std::to_string(p.key) + ", which is another's");
    auto& last = script_->last_of_key[{table_, p.key}];
    if (got.number < last) breach("got an item of its key after a later one");
    last = got.number + 1;
    const auto known = script_->tables.find({table_, p.key});
    const auto* found = std::as_const(entries()).find(p.key);
    if ((found ? *found : 0) != (known == script_->tables.end() ? 0 : known->second))
      breach("has another number for key " + std::to_string(p.key));
    if (got.number % 5 == 4) {
      entries().erase(p.key);
      script_->tables.erase({table_, p.key});
    } else {
      ++entries().try_emplace(p.key).first;
      ++script_->tables[{table_, p.key}];
    }
    ctx.emit(out, make(got.number, at, out.name, &got), p.key);
  }
  void save(state_writer& w) const override {
    if constexpr (Rest == rest::merged) w.init<StageState>().setCount(handled_);
    else counting::save(w);
  }
  void restore(context& ctx, state_reader& r) override {
    if constexpr (Rest != rest::merged) return counting::restore(ctx, r);
    meet(ctx);
    handled_ += r.root<StageState>().getCount();
  }
  parted_state* parts() override { return &state_; }

private:
  table_map& entries() { return state_.all.entries(); }
  bool is_own(std::uint64_t key) const {
    return lane_of(place_of(key, key_kind::number), lanes_) == lane_;
  }
  void breach(const std::string& what) { script_->breaches.push_back(name_ + " " + what); }

  /// From a name such as `keep:0/4`.
  void find_lane() {
    const auto colon = name_.find(':');
    table_ = name_.substr(0, colon);
    if (colon == name_.npos) return;
    lane_ = std::stoul(name_.substr(colon + 1));
    lanes_ = std::stoul(name_.substr(name_.find('/') + 1));
  }

  picky_state<codec> state_;
  std::uint64_t handled_ = 0;
  std::string table_;
  std::size_t lane_ = 0, lanes_ = 1;
};
template <std::uint32_t Version>
using shard = shard_of<Version, rest::none>;
template <std::uint32_t Version>
using rooted = shard_of<Version, rest::own>;
template <std::uint32_t Version>
using tally = shard_of<Version, rest::merged>;

/// All of its state is one object.
struct kept_object {
  table_map entries;
  std::uint64_t count = 0, born = 0;
};

template <std::uint32_t Version>
class object : public keeper {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.object",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1,
                                      .native = {"test.kept_object", 1}};
  object() : keeper(type.name, Version), kept_(std::make_unique<kept_object>()) {}

  void on_packet(context& ctx, std::size_t, packet p) override { pass(ctx, out, std::move(p)); }
  void* give_native() noexcept override {
    kept_->count = count_;
    kept_->born = who_.born;
    return kept_.release();
  }
  void take_native(void* all) noexcept override {
    kept_.reset(static_cast<kept_object*>(all));
    count_ = kept_->count;
    who_.born = kept_->born;
    restored_ = true;
  }

private:
  table_map& entries() override { return kept_->entries; }

  std::unique_ptr<kept_object> kept_;
};

} // namespace

void add_keyed_operators(scripted_library& to) {
  to.add<table>();
  to.add<object>();
  to.add<keyer>();
  to.add<shard, 1, 2, 3>();
  to.add<rooted>();
  to.add<tally>();
}

} // namespace instar::test

#include "counting.hpp"
#include "transfer/keyed_state.hpp"

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

/// Takes over what it gets, but for a key that the script names.
class picky_state final : public parted_state {
public:
  keyed_state<table_map, table_codec> all;
  bool picky = false;
  static inline const script* of = nullptr; ///< that of the first version, which has been started

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
    if (picky)
      for (const auto e : part.root<TablePart>().getEntries())
        if (e.getKey() == of->throws_at_key) throw std::runtime_error("told to fail on a key");
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
    picky_state::of = script_;
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
  table() : keeper(type.name, Version) { state_.picky = Version == 2; }

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

  picky_state state_;
};

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
}

} // namespace instar::test

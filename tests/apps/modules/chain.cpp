// A source, stages and a sink that count, and notice at once if one of them has missed a packet or
// got it twice; and keepers that do so for each of many keys. In the version that CHAIN_VERSION
// says; version 2 has a field more in its state, version 3 another type of an old one.
#include "actors/module.hpp"
#include "chain.capnp.h"
#include "keyed_packets.hpp"
#include "services/net/buffer.hpp"
#include "transfer/keyed_state.hpp"

#include <chrono>
#include <cstring>
#include <span>
#include <string>
#include <utility>

namespace {

using namespace instar;

class counting : public operator_base {
public:
  explicit counting(const settings& values)
      : ballast_(static_cast<std::size_t>(values.size("ballast"))) {}

  void save(state_writer& to) const override {
    auto state = to.init<ChainState>();
#if CHAIN_VERSION < 3
    state.setCount(count_);
#else
    state.setCount(std::to_string(count_));
#endif
    state.setSum(sum_);
#if CHAIN_VERSION == 2
    state.setTwice(2 * count_);
#endif
    state.initBallast(static_cast<unsigned>(ballast_));
  }

  void restore(context&, state_reader& from) override {
#if CHAIN_VERSION < 3
    count_ = from.root<ChainState>().getCount();
#endif
    sum_ = from.root<ChainState>().getSum();
    restored_ = true;
  }

protected:
  void take(context& ctx, std::uint64_t number) {
    if (number != count_)
      ctx.stop_service(std::string(ctx.name()) + " got packet " + std::to_string(number) +
                       ", not " + std::to_string(count_));
    ++count_;
    sum_ += number;
  }

  const std::size_t ballast_; // bytes, so that it takes a while to write them
  std::uint64_t count_ = 0, sum_ = 0;
  bool restored_ = false;
};

constexpr setting_type ballast{"ballast", setting_kind::size, "0B", false, "more state"};

class source final : public counting {
public:
  static constexpr out_port<net::buffer> out{0, "out"};
  static constexpr operator_type type{.name = "chain.source",
                                      .version = CHAIN_VERSION,
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<ChainState>(),
                                      .state_version = CHAIN_VERSION,
                                      .settings = {ballast}};
  using counting::counting;

  void on_start(context& ctx) override {
    if (!restored_) ctx.set_timer(std::chrono::milliseconds(1), 0); // else one is pending
  }
  void on_timer(context& ctx, std::uint64_t) override {
    for (int i = 0; i < 20; ++i) {
      ctx.emit(out, net::buffer::make(0), count_);
      sum_ += count_++;
    }
    ctx.set_timer(std::chrono::milliseconds(1), 0);
  }
  void on_packet(context&, std::size_t, packet) override {}
};

class stage final : public counting {
public:
  static constexpr in_port<net::buffer> in{0, "in"};
  static constexpr out_port<net::buffer> out{0, "out"};
  static constexpr operator_type type{.name = "chain.stage",
                                      .version = CHAIN_VERSION,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<ChainState>(),
                                      .state_version = CHAIN_VERSION,
                                      .settings = {ballast}};
  using counting::counting;

  void on_packet(context& ctx, std::size_t, packet p) override {
    take(ctx, p.key);
    ctx.emit_packet(out.index, std::move(p));
  }
};

class sink final : public counting {
public:
  static constexpr in_port<net::buffer> in{0, "in"};
  static constexpr operator_type type{.name = "chain.sink",
                                      .version = CHAIN_VERSION,
                                      .inputs = {in},
                                      .state_schema = capnp::typeId<ChainState>(),
                                      .state_version = CHAIN_VERSION,
                                      .settings = {ballast}};
  using counting::counting;

  void on_packet(context& ctx, std::size_t, packet p) override { take(ctx, p.key); }
};

/// Gives packets their keys, and puts their numbers into them.
class keyer final : public counting {
public:
  static constexpr in_port<net::buffer> in{0, "in"};
  static constexpr out_port<net::buffer> out{0, "out"};
  static constexpr operator_type type{.name = "chain.keyer",
                                      .version = CHAIN_VERSION,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<ChainState>(),
                                      .state_version = CHAIN_VERSION,
                                      .settings = {ballast}};
  using counting::counting;

  void on_packet(context& ctx, std::size_t, packet p) override {
    const std::uint64_t number = p.key;
    take(ctx, number);
    ctx.emit(out, net::buffer::copy(std::as_bytes(std::span(&number, 1))),
             number % test::keyed_packets);
  }
};

using kept_map = tracked_map<std::uint64_t, std::uint64_t>;

struct kept_codec {
  using part = KeptPart;

  static void write(std::span<const kept_map::entry* const> entries,
                    std::span<const std::uint64_t> gone, KeptPart::Builder to) {
    auto list = to.initEntries(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(entries[i]->key);
      list[i].setSeen(entries[i]->value);
    }
    auto keys = to.initGone(static_cast<unsigned>(gone.size()));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, gone[i]);
  }

  template <class Put, class Gone>
  static void read(KeptPart::Reader from, Put put, Gone gone) {
    for (const auto e : from.getEntries()) put(e.getKey(), e.getSeen());
    for (const auto k : from.getGone()) gone(k);
  }
};

/// Counts the packets of each key. Several may share them.
class keeper final : public operator_base {
public:
  static constexpr in_port<net::buffer> in{0, "in"};
  static constexpr operator_type type{.name = "chain.keeper",
                                      .version = CHAIN_VERSION,
                                      .inputs = {in},
                                      .part_schema = capnp::typeId<KeptPart>()};

  void on_packet(context& ctx, std::size_t, packet p) override {
    std::uint64_t number = 0;
    std::memcpy(&number, p.as<net::buffer>().data(), sizeof number);
    const auto* found = std::as_const(kept_.entries()).find(p.key);
    const auto seen = found ? *found : 0;
    if (const auto expected = test::kept_of(p.key, number); seen != expected)
      ctx.stop_service(std::string(ctx.name()) + " has " + std::to_string(seen) + " for key " +
                       std::to_string(p.key) + ", not " + std::to_string(expected));
    const auto next = test::kept_of(p.key, number + 1);
    if (next == 0) kept_.entries().erase(p.key);
    else kept_.entries().insert_or_assign(p.key, next);
  }
  parted_state* parts() override { return &kept_; }

private:
  keyed_state<kept_map, kept_codec> kept_;
};

} // namespace

INSTAR_MODULE("chain", source, stage, sink, keyer, keeper)

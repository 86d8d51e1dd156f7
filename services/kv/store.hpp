#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/kv/engine.hpp"
#include "store_state.capnp.h"

#include <capnp/schema.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace instar::kv {

/// Carries out batches of commands on the entries that it has, and emits their answers, one packet
/// for each batch. What its versions share; see `engine`.
///
/// Its entries are keyed state and go over in parts of the version's own schema.
template <class Model>
class store final : public operator_base {
public:
  using codec = typename Model::codec;
  static constexpr in_port<batch> in{0, "batch"};
  static constexpr out_port<replies> out{0, "replies"};
  static constexpr operator_type type{
      .name = "kv.store",
      .version = Model::version,
      .help = "keeps entries and carries out commands on them",
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<StoreState>(),
      .state_version = 1,
      .settings = {{"max_value", setting_kind::size, "64MiB", false,
                    "bytes of one value, all of its elements together"},
                   {"max_reply", setting_kind::size, "256MiB", false,
                    "bytes of the answers to what a client sends at once"},
                   {"sweep_every", setting_kind::duration, "100ms", false,
                    "how often entries are looked for whose time has come"}},
      .part_schema = capnp::typeId<typename codec::part>(),
      .mergeable = true};
  static constexpr auto converters = Model::converters;

  explicit store(const settings& values)
      : engine_(entries_.entries(), {static_cast<std::size_t>(values.size("max_value")),
                                     static_cast<std::size_t>(values.size("max_reply"))}),
        sweep_time_(std::max<std::chrono::nanoseconds>(values.duration("sweep_every"),
                                                       std::chrono::milliseconds(1))) {
    engine_.counters().started = wall_ms();
  }

  void on_start(context& ctx) override {
    engine_.entries_came();
    if (codec::value::expiry && !std::exchange(sweeps_, true)) ctx.set_timer(sweep_time_, ++turn_);
  }

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto what = p.take<batch>();
    auto answers =
        replies::make({}, what->place(), room_at_first + what->commands().size() * room_each);
    engine_.run(*what, *answers);
    answers->from() = what->take_from();
    ctx.emit(out, std::move(answers), p.key);
  }

  void on_timer(context& ctx, std::uint64_t token) override {
    if (token != turn_) return;
    sweeps_ = codec::value::expiry; // a later version's timer ends with an earlier one
    if (!sweeps_) return;
    if (engine_.expires()) engine_.sweep();
    ctx.set_timer(sweep_time_, turn_);
  }

  void save(state_writer& into) const override {
    auto to = into.init<StoreState>();
    const auto& counted = engine_.counters();
    to.setSweeps(sweeps_ && into.purpose() == save_purpose::hand_over);
    to.setTurn(turn_);
    to.setStarted(counted.started);
    to.setCommands(counted.commands);
    to.setHits(counted.hits);
    to.setMisses(counted.misses);
    to.setExpired(counted.expired);
  }
  void restore(context&, state_reader& from) override {
    const auto saved = from.root<StoreState>();
    sweeps_ = sweeps_ || saved.getSweeps();
    turn_ = std::max(turn_, saved.getTurn());
    auto& all = engine_.counters();
    all.started = std::min(all.started, saved.getStarted());
    all.commands += saved.getCommands();
    all.hits += saved.getHits();
    all.misses += saved.getMisses();
    all.expired += saved.getExpired();
  }
  parted_state* parts() override { return &entries_; }

private:
  static constexpr std::size_t room_at_first = 48, room_each = 32;

  keyed_state<typename codec::map, codec> entries_;
  engine<Model> engine_;
  const std::chrono::nanoseconds sweep_time_;
  bool sweeps_ = false; // a timer runs
  std::uint64_t turn_ = 0;
};

} // namespace instar::kv

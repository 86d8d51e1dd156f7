#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "memcache_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/memcache/table.hpp"

#include <capnp/schema.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace instar::memcache {

/// Tells the table every second how late it is, throws expired entries away, and sets its limits.
///
/// Version 1 looks at one shard of the table in each second; version 2 at all of them in so many
/// steps, evenly spread over the second, so that an expired entry takes up memory for a second
/// only.
template <unsigned Version>
class clock final : public blocking_operator {
public:
  static constexpr operator_type type{
      .name = "memcache.clock",
      .version = Version,
      .help = Version == 1 ? "keeps the time of a table, and clears up in it"
                           : "keeps the time of a table, and clears up all of it each second",
      .state_schema = capnp::typeId<ClockState>(),
      .state_version = 1,
      .settings = {{"cache", setting_kind::text, "main", false,
                    "name of the table, of all operators that share it"},
                   {"memory", setting_kind::size, "64MiB", false,
                    "of all entries; then the least recently used go"},
                   {"max_item", setting_kind::size, "1MiB", false, "bytes of one value"},
                   blocking::interruptible_setting}};

  explicit clock(const settings& values)
      : blocking_operator(blocking::rest_of(values)), cache_(values.text("cache")),
        memory_(static_cast<std::size_t>(values.size("memory"))),
        item_(static_cast<std::size_t>(values.size("max_item"))) {}

  void run(blocking_context& ctx) override {
    if (!table_) table_ = ctx.host<tables>().open(cache_);
    table_->limit(memory_, item_);
    constexpr std::size_t steps = Version == 1 ? 1 : table::shards;
    for (;;) {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME, &now);
      table_->tick(now.tv_sec);
      table_->reap();
      ++ticks_;
      const auto in_second = std::chrono::nanoseconds(now.tv_nsec);
      constexpr auto step = std::chrono::nanoseconds(std::chrono::seconds(1)) / steps;
      ctx.sleep_for(step - in_second % step);
    }
  }

  void save(state_writer& into) const override { into.init<ClockState>().setTicks(ticks_); }
  /// From here on the table stays, whoever else lets it go.
  void restore(context& ctx, state_reader& from) override {
    table_ = ctx.host<tables>().open(cache_);
    ticks_ = from.root<ClockState>().getTicks();
  }

private:
  const std::string cache_;
  const std::size_t memory_, item_;
  std::shared_ptr<table> table_;
  std::uint64_t ticks_ = 0;
};

} // namespace instar::memcache

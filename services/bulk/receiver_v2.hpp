#pragma once

#include "services/bulk/receiver.hpp"

#include <algorithm>

namespace instar::bulk {

/// May be told a rate, and sleeps between blocks so as not to move more.
class receiver_v2 final : public receiver {
public:
  static constexpr setting_type rate_setting{"rate", setting_kind::size, "0B", false,
                                             "bytes per second of each receiver; 0 = no limit"};
  static constexpr operator_type type{
      .name = "bulk.receiver",
      .version = 2,
      .help = "carries out one transfer at a time, not faster than it is told to",
      .inputs = {in},
      .outputs = {returned, moved},
      .state_schema = capnp::typeId<ReceiverState>(),
      .state_version = 1,
      .settings = {stall_timeout_setting, blocking::interruptible_setting, rate_setting},
      .mergeable = true};

  explicit receiver_v2(const settings& values)
      : receiver(values, block_for(values.size("rate"))), rate_(values.size("rate")) {}

private:
  /// So much that there are at least ten sleeps a second, if there is a limit. What is read at once
  /// is what a cut may have to wait for.
  static std::size_t block_for(std::uint64_t rate) {
    constexpr std::uint64_t most = 64 * 1024;
    return static_cast<std::size_t>(rate == 0 ? most
                                              : std::clamp<std::uint64_t>(rate / 10, 1, most));
  }
  void before_moving(blocking_context& ctx) override {
    if (rate_ > 0) ctx.sleep_until(next_);
  }
  void after_moving(std::size_t n) override {
    if (rate_ == 0) return;
    const auto takes = std::chrono::duration_cast<clock::duration>(
        std::chrono::duration<double>(static_cast<double>(n) / static_cast<double>(rate_)));
    next_ = std::max(next_, clock::now()) + takes;
  }

  const std::uint64_t rate_;
  clock::time_point next_{};
};

} // namespace instar::bulk

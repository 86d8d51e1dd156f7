#pragma once

#include "services/pool/keeper.hpp"

#include <poll.h>

#include <unordered_map>

namespace instar::pool {

/// Waits in `poll`, which looks at every connection each time.
class keeper_v1 final : public keeper {
public:
  static constexpr operator_type type{
      .name = "pool.keeper",
      .version = 1,
      .help = "keeps idle connections with poll, and gives those with a request to workers",
      .inputs = {accepted, idle, closing},
      .outputs = {out},
      .state_schema = capnp::typeId<KeeperState>(),
      .state_version = 1,
      .settings = {workers_setting, idle_timeout_setting, linger_timeout_setting,
                   blocking::interruptible_setting}};

  explicit keeper_v1(const settings& values) : keeper(values) {}

private:
  void wait(blocking_context& ctx, std::optional<std::chrono::nanoseconds> timeout,
            std::vector<std::uint64_t>& ready) override {
    polled_.clear();
    ids_.clear();
    for (const auto& [id, fd] : watched_) {
      polled_.push_back({fd, POLLIN, 0});
      ids_.push_back(id);
    }
    if (ctx.poll(polled_, timeout, true).descriptors == 0) return;
    for (std::size_t i = 0; i < polled_.size(); ++i)
      if (polled_[i].revents != 0) ready.push_back(ids_[i]);
  }
  void watch(const descriptor& one) override { watched_.emplace(one.id(), one.fd()); }
  void unwatch(const descriptor& one) override { watched_.erase(one.id()); }

  std::unordered_map<std::uint64_t, int> watched_;
  std::vector<pollfd> polled_;
  std::vector<std::uint64_t> ids_;
};

} // namespace instar::pool

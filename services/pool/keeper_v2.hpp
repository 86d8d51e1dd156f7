#pragma once

#include "services/pool/keeper.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace instar::pool {

/// Has the system remember the connections (`epoll`), so that ten thousand idle ones cost no more
/// than ten.
class keeper_v2 final : public keeper {
public:
  static constexpr operator_type type{
      .name = "pool.keeper",
      .version = 2,
      .help = "keeps idle connections with epoll, and gives those with a request to workers",
      .inputs = {accepted, idle, closing},
      .outputs = {out},
      .state_schema = capnp::typeId<KeeperState>(),
      .state_version = 1,
      .settings = {workers_setting, idle_timeout_setting, linger_timeout_setting,
                   blocking::interruptible_setting}};

  explicit keeper_v2(const settings& values)
      : keeper(values), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
      throw std::system_error(errno, std::generic_category(), "pool.keeper: epoll_create1");
  }
  ~keeper_v2() override { ::close(epoll_); }

private:
  void wait(blocking_context& ctx, std::optional<std::chrono::nanoseconds> timeout,
            std::vector<std::uint64_t>& ready) override {
    pollfd all{epoll_, POLLIN, 0};
    if (ctx.poll({&all, 1}, timeout, true).descriptors == 0) return;
    std::array<epoll_event, 256> events;
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64; // not aligned there
      ready.push_back(id);
    }
  }
  void watch(const descriptor& one) override {
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLRDHUP;
    wanted.data.u64 = one.id();
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, one.fd(), &wanted) != 0 && errno != EEXIST)
      throw std::system_error(errno, std::generic_category(), "pool.keeper: epoll_ctl");
  }
  void unwatch(const descriptor& one) override {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, one.fd(), nullptr);
  }

  const int epoll_;
};

} // namespace instar::pool

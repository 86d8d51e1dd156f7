#include "services/net/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

namespace instar::net {

namespace {

constexpr std::size_t events_at_once = 512;
constexpr std::uint64_t wake_id = 0;

int checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

} // namespace

// -- lease --------------------------------------------------------------------------------------

lease::lease(lease&& other) noexcept
    : with_(std::exchange(other.with_, nullptr)), on_(std::move(other.on_)) {}

lease& lease::operator=(lease&& other) noexcept {
  std::swap(with_, other.with_);
  std::swap(on_, other.on_);
  return *this;
}

lease::~lease() {
  if (on_) with_->release(*on_);
}

// -- reactor ------------------------------------------------------------------------------------

reactor::reactor()
    : epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "net.reactor: epoll_create1")),
      wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "net.reactor: eventfd")),
      live_(std::make_shared<std::atomic<std::size_t>>(0)), ready_(events_at_once) {
  epoll_event wake{};
  wake.events = EPOLLIN;
  wake.data.u64 = wake_id;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &wake);
}

reactor::~reactor() {
  ::close(wake_);
  ::close(epoll_);
}

result<payload_ptr<listener>> reactor::bind(const listen_options& options,
                                            const listener* replaced) {
  auto fd = bind_socket(options, replaced);
  if (!fd) return fd.error();
  return make_payload<listener>(*fd, ++last_id_, options);
}

payload_ptr<connection> reactor::adopt(int fd, std::shared_ptr<const void> place, bool surplus) {
  return make_payload<connection>(fd, ++last_id_, live_, std::move(place), surplus);
}

payload_ptr<outgoing> reactor::adopt_outgoing(int fd) {
  return make_payload<outgoing>(fd, ++last_id_);
}

lease reactor::watch(payload_ptr<endpoint> on, interest what, std::shared_ptr<inlet> to) {
  std::lock_guard lock(guard_);
  auto [found, added] = entries_.try_emplace(on->id());
  auto& socket = found->second;
  socket.told[static_cast<std::size_t>(what)] = std::move(to);
  if (added) {
    socket.on = on;
    try {
      add(*on);
    } catch (...) {
      entries_.erase(found);
      throw;
    }
  }
  ++socket.leases;
  return {this, std::move(on)};
}

/// Everything is asked for at once and edge-triggered, so that a socket costs one system call in
/// its life and not one for each event.
void reactor::add(endpoint& on) {
  epoll_event all{};
  all.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  all.data.u64 = on.id();
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, on.fd(), &all), "net.reactor: epoll_ctl");
}

lease reactor::find(std::uint64_t id) {
  std::lock_guard lock(guard_);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return {};
  ++found->second.leases;
  return {this, found->second.on};
}

void reactor::release(endpoint& on) {
  entry last; // destroyed after the lock is gone
  std::lock_guard lock(guard_);
  const auto found = entries_.find(on.id());
  assert(found != entries_.end());
  if (--found->second.leases > 0) return;
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, on.fd(), nullptr);
  last = std::move(found->second);
  entries_.erase(found);
}

void reactor::post(endpoint& on, interest what, std::uint32_t bits) {
  std::shared_ptr<inlet> to;
  {
    std::lock_guard lock(guard_);
    const auto found = entries_.find(on.id());
    if (found == entries_.end()) return;
    to = found->second.told[static_cast<std::size_t>(what)];
  }
  if (!to) return;
  if (what == interest::reads && !on.raise(bits)) return;
  to->post(event{payload_ptr<endpoint>::share(&on), bits});
}

std::size_t reactor::registered() const {
  std::lock_guard lock(guard_);
  return entries_.size();
}

// -- polling ------------------------------------------------------------------------------------

void reactor::poll(bool block) {
  const int count =
      ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), block ? -1 : 0);
  if (count <= 0) return;
  sort_out(ready_.data(), static_cast<std::size_t>(count));
  for (auto& batch : deliveries_) {
    if (batch.events.empty()) continue;
    batch.to->post(batch.events);
    batch.events.clear();
  }
  // Inlets of operators that are gone.
  std::erase_if(deliveries_, [](const delivery& d) { return d.to.use_count() == 1; });
}

void reactor::interrupt() { ::eventfd_write(wake_, 1); }

void reactor::sort_out(const epoll_event* ready, std::size_t count) {
  std::lock_guard lock(guard_);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t id = ready[i].data.u64; // not aligned there
    if (id == wake_id) {
      eventfd_t rung;
      ::eventfd_read(wake_, &rung);
      continue;
    }
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue; // released meanwhile
    const auto& socket = found->second;
    const auto bits = ready[i].events;
    std::uint32_t reads = 0;
    if (bits & EPOLLIN) reads |= ready::readable;
    if (bits & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) reads |= ready::readable | ready::hangup;
    if (reads != 0) queue(socket, interest::reads, reads);
    if (bits & (EPOLLOUT | EPOLLHUP | EPOLLERR)) queue(socket, interest::writes, ready::writable);
  }
}

void reactor::queue(const entry& socket, interest what, std::uint32_t bits) {
  const auto& to = socket.told[static_cast<std::size_t>(what)];
  if (!to) return;
  if (what == interest::reads && !socket.on->raise(bits)) return;
  if (what == interest::writes && !socket.on->take_await_writable()) return;
  auto batch = std::find_if(deliveries_.begin(), deliveries_.end(),
                            [&](const delivery& d) { return d.to == to; });
  if (batch == deliveries_.end()) batch = deliveries_.insert(batch, {to, {}});
  batch->events.push_back({socket.on, bits});
}

} // namespace instar::net

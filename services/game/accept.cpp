#include "services/game/accept.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/lane_keys.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace instar::game {

namespace {

/// For each reader a number that leads to it.
std::vector<std::uint64_t> seat_numbers(std::int64_t count) {
  const blocking::lane_keys keys(count, "seats");
  std::vector<std::uint64_t> numbers;
  for (std::size_t lane = 0; lane < keys.size(); ++lane) numbers.push_back(keys.key(lane));
  return numbers;
}

} // namespace

accept::accept(const settings& values, bool they_wait)
    : blocking_operator(blocking::rest_of(values)), at_(values),
      seats_(seat_numbers(values.integer("seats"))), they_wait_(they_wait) {}

void accept::run(blocking_context& ctx) {
  at_.take_leaving([&](int fd) { seat(ctx, fd); });
  for (;;) take(ctx);
}

bool accept::left_over(std::size_t, packet& p) {
  taken_.erase(p.as<record>().read<Freed>().getSeat());
  return true;
}

void accept::take(blocking_context& ctx) {
  const bool full = taken_.size() >= seats_.size();
  pollfd waits{at_.fd(), POLLIN, 0};
  const auto ready = ctx.poll(std::span(&waits, full && they_wait_ ? 0 : 1), {}, true);
  if (ready.packet) {
    auto come = ctx.receive();
    left_over(come.port, come.what);
  }
  if (waits.revents == 0) return;
  const int fd = ::accept4(at_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
  if (fd >= 0) return seat(ctx, fd);
  if (errno != EMFILE && errno != ENFILE) return; // has gone meanwhile
  ctx.log(log_level::warning,
          "cannot accept connections now, keeps trying; raise the limit of open files (ulimit -n)");
  ctx.sleep_for(std::chrono::seconds(1));
}

void accept::seat(blocking_context& ctx, int fd) {
  auto made = ctx.host<descriptors>().hold(fd);
  const auto free = std::find_if(seats_.begin(), seats_.end(),
                                 [&](std::uint64_t one) { return !taken_.count(one); });
  if (free == seats_.end()) {
    const std::string_view text = "sorry, all seats are taken\r\n";
    ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  taken_.insert(*free);
  ctx.emit(out, make_payload<descriptor_packet>(std::move(made)), *free);
}

void accept::save(state_writer& into) const {
  auto to = into.init<AcceptState>();
  if (into.purpose() != save_purpose::hand_over) return;
  at_.save(to);
  auto list = to.initTaken(static_cast<unsigned>(taken_.size()));
  unsigned i = 0;
  for (const auto one : taken_) list.set(i++, one);
}

void accept::restore(context& ctx, state_reader& from) {
  const auto saved = from.root<AcceptState>();
  at_.restore(ctx.host<descriptors>(), saved);
  for (const auto one : saved.getTaken()) taken_.insert(one);
}

void accept::claim(context& ctx) { at_.claim(ctx); }

} // namespace instar::game

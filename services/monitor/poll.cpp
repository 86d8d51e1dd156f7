#include "services/monitor/poll.hpp"

#include "services/blocking/common_settings.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace instar::monitor {

poll::poll(const settings& values, bool only_silent)
    : blocking_operator(blocking::rest_of(values)),
      every_(std::max<std::chrono::nanoseconds>(values.duration("every"),
                                                std::chrono::milliseconds(1))),
      only_silent_(only_silent) {}

void poll::run(blocking_context& ctx) {
  if (!due_) due_ = std::chrono::steady_clock::now() + every_;
  for (;;) {
    if (auto come = ctx.receive_until(*due_)) left_over(come->port, come->what);
    const auto now = std::chrono::steady_clock::now();
    if (now < *due_) continue;
    ask_all();
    due_ = std::max(*due_ + every_, now);
  }
}

/// Only what was told last counts.
bool poll::left_over(std::size_t port, packet& p) {
  if (port == socket_in.index) {
    socket_ = p.as<descriptor_packet>().what();
    return true;
  }
  targets_.clear();
  for (const auto one : p.as<record>().read<Targets>().getMembers()) {
    const auto address = one.getAddress();
    targets_.push_back(
        {{reinterpret_cast<const char*>(address.begin()), address.size()}, one.getSilent()});
  }
  return true;
}

/// Whoever cannot be reached now is asked the next time.
void poll::ask_all() {
  if (!socket_) return;
  const auto text = "poll " + std::to_string(++sent_) + "\n";
  const auto enough = static_cast<std::uint64_t>(every_.count() / 2);
  for (const auto& one : targets_)
    if (!only_silent_ || one.silent > enough)
      ::sendto(socket_->fd(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(one.address.data()),
               static_cast<socklen_t>(one.address.size()));
}

void poll::save(state_writer& into) const {
  auto to = into.init<PollState>();
  to.setSent(sent_);
  if (into.purpose() != save_purpose::hand_over) return;
  to.setSocket(socket_ ? socket_->id() : 0);
  auto list = to.initTargets(static_cast<unsigned>(targets_.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& address = targets_[i].address;
    list[i].setAddress({reinterpret_cast<const unsigned char*>(address.data()), address.size()});
    list[i].setSilent(targets_[i].silent);
  }
}

void poll::restore(context& ctx, state_reader& from) {
  const auto saved = from.root<PollState>();
  sent_ = saved.getSent();
  socket_ = ctx.host<descriptors>().find(saved.getSocket());
  for (const auto one : saved.getTargets()) {
    const auto address = one.getAddress();
    targets_.push_back(
        {{reinterpret_cast<const char*>(address.begin()), address.size()}, one.getSilent()});
  }
}

} // namespace instar::monitor

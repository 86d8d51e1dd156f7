#include "services/stream/statistics.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"
#include "services/blocking/waiting.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

namespace instar::stream {

statistics::statistics(const settings& values)
    : blocking_operator(blocking::rest_of(values)),
      write_timeout_(values.duration("write_timeout")) {}

void statistics::run(blocking_context& ctx) {
  while (true) {
    while (!asked_.empty()) {
      auto& next = asked_.front();
      if (next.text.empty()) next.text = text(sums_);
      try {
        answer(ctx, next);
      } catch (const std::system_error&) {
        // The client is gone.
      }
      ::shutdown(next.peer->fd(), SHUT_RDWR);
      asked_.pop_front();
    }
    auto came = ctx.receive();
    take(came.port, came.what);
  }
}

bool statistics::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void statistics::take(std::size_t port, packet& p) {
  if (port == asked.index) {
    asked_.push_back({p.as<descriptor_packet>().what(), {}, std::chrono::steady_clock::now()});
    return;
  }
  const auto more = p.as<record>().read<Counts>();
  const auto ever = sums_.listeners + more.getOpened();
  sums_.listeners = ever - std::min(more.getClosed(), ever);
  sums_.peak = std::max(sums_.peak, sums_.listeners);
  sums_.frames += more.getFrames();
  sums_.dropped += more.getDropped();
  sums_.bytes += more.getBytes();
}

/// Gives up if the client does not take it.
void statistics::answer(blocking_context& ctx, question& to) {
  while (!to.text.empty()) {
    if (!blocking::wait_ready(ctx, to.peer->fd(), POLLOUT, to.since + write_timeout_)) return;
    to.text.erase(0, ctx.write(to.peer->fd(), std::as_bytes(std::span(to.text))));
    to.since = std::chrono::steady_clock::now();
  }
}

void statistics::save(state_writer& into) const {
  auto state = into.init<StatisticsState>();
  state.setFrames(sums_.frames);
  state.setDropped(sums_.dropped);
  state.setBytes(sums_.bytes);
  state.setPeak(sums_.peak);
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  state.setListeners(sums_.listeners);
  auto list = state.initAsked(static_cast<unsigned>(asked_.size()));
  unsigned i = 0;
  for (const auto& one : asked_) {
    auto entry = list[i++];
    entry.setConnection(one.peer->id());
    entry.setText(one.text);
    entry.setSince(blocking::saved_time(one.since));
  }
}

void statistics::restore(context& ctx, state_reader& from) {
  const auto state = from.root<StatisticsState>();
  sums_ = {state.getListeners(), state.getPeak(), state.getFrames(), state.getDropped(),
           state.getBytes()};
  auto& all = ctx.host<descriptors>();
  for (const auto entry : state.getAsked())
    if (auto peer = all.find(entry.getConnection()))
      asked_.push_back(
          {std::move(peer), entry.getText().cStr(), blocking::time_of(entry.getSince())});
}

} // namespace instar::stream

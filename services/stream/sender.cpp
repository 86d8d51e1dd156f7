#include "services/stream/sender.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/line.hpp"
#include "services/blocking/saved.hpp"
#include "services/stream/frame_text.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace instar::stream {

namespace {

constexpr std::chrono::milliseconds tell_time{100};

/// What a listener says is thrown away. Returns whether it has ended.
bool has_ended(int peer) {
  std::array<char, 1024> block;
  const auto n = ::recv(peer, block.data(), block.size(), MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

} // namespace

sender::sender(const settings& values)
    : blocking_operator(blocking::rest_of(values)),
      window_size_(static_cast<std::size_t>(
          std::clamp<std::int64_t>(values.integer("window"), 1, 1'000'000))),
      buffer_(static_cast<int>(
          std::clamp<std::uint64_t>(values.size("buffer"), 4096, std::uint64_t{1} << 30))) {}

void sender::run(blocking_context& ctx) {
  while (true) {
    tell(ctx);
    wait(ctx);
    for (std::size_t i = 0; i < polled_.size(); ++i) {
      const auto what = polled_[i].revents;
      if (what & POLLOUT) on_output(ctx, ids_[i]);
      if (what & ~POLLOUT) on_input(ctx, ids_[i]);
    }
    while (auto came = ctx.receive_until(std::chrono::steady_clock::now()))
      take(came->port, came->what);
  }
}

bool sender::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void sender::wait(blocking_context& ctx) {
  polled_.clear();
  ids_.clear();
  for (const auto& [id, one] : listeners_) {
    const short what = has_more(one) ? POLLIN | POLLOUT : POLLIN;
    polled_.push_back({one.peer->fd(), what, 0});
    ids_.push_back(id);
  }
  std::optional<std::chrono::nanoseconds> limit;
  if (seen_ != seen{}) limit = tell_time;
  ctx.poll(polled_, limit, true);
}

void sender::take(std::size_t port, packet& p) {
  if (port == connected.index) {
    const auto& peer = p.as<descriptor_packet>().what();
    listener made;
    made.peer = peer;
    listeners_[peer->id()] = std::move(made);
    return;
  }
  const auto came = p.as<record>().read<Frame>();
  const auto data = came.getData();
  add({came.getSequence(), std::make_shared<const std::string>(encode(
                               came.getSequence(), came.getPosition(),
                               {reinterpret_cast<const char*>(data.begin()), data.size()}))});
}

/// The newest.
void sender::add(encoded one) {
  for (auto& [id, to] : listeners_)
    if (to.listens && to.next == 0) to.next = one.sequence;
  if (!window_.empty() && one.sequence != window_.back().sequence + 1) window_.clear();
  window_.push_back(std::move(one));
  if (window_.size() > window_size_) window_.pop_front();
}

// -- listeners ----------------------------------------------------------------------------------

bool sender::has_more(const listener& to) const {
  return !to.rest.empty() ||
         (to.listens && to.next != 0 && !window_.empty() && to.next <= window_.back().sequence);
}

/// The next frame, or how many there are not any more.
void sender::prepare(listener& to) {
  const auto& oldest = window_.front();
  if (to.next < oldest.sequence) {
    const auto& from = go_on(window_);
    to.rest = "DROPPED " + std::to_string(from.sequence - to.next) + "\n";
    seen_.dropped += from.sequence - to.next;
    to.next = from.sequence;
    return;
  }
  to.rest = *window_[static_cast<std::size_t>(to.next - oldest.sequence)].text;
  ++to.next;
  ++seen_.frames;
}

void sender::on_output(blocking_context& ctx, std::uint64_t id) {
  const auto who = listeners_.find(id);
  if (who == listeners_.end() || !has_more(who->second)) return;
  auto& to = who->second;
  if (to.rest.empty()) prepare(to);
  std::size_t n = 0;
  try {
    n = ctx.write(to.peer->fd(), std::as_bytes(std::span(to.rest)));
  } catch (const std::system_error&) {
    return drop(who);
  }
  to.rest.erase(0, n);
  seen_.bytes += n;
}

void sender::on_input(blocking_context& ctx, std::uint64_t id) {
  const auto who = listeners_.find(id);
  if (who == listeners_.end()) return;
  auto& from = who->second;
  if (from.listens) {
    if (has_ended(from.peer->fd())) drop(who);
    return;
  }
  switch (blocking::read_line(from.peer->fd(), from.line, 64)) {
  case blocking::line_end::open:
    return;
  case blocking::line_end::complete:
    return obey(ctx, who);
  case blocking::line_end::too_long:
  case blocking::line_end::ended:
    return drop(who);
  }
}

void sender::obey(blocking_context& ctx, listener_map::iterator who) {
  auto& one = who->second;
  if (one.line == "LISTEN") {
    ::setsockopt(one.peer->fd(), SOL_SOCKET, SO_SNDBUF, &buffer_, sizeof buffer_);
    one.listens = true;
    one.line.clear();
    ++seen_.opened;
  } else if (one.line == "STATS") {
    auto peer = std::move(one.peer);
    listeners_.erase(who);
    tell(ctx);
    ctx.emit(asked, make_payload<descriptor_packet>(std::move(peer)), 0);
  } else {
    constexpr std::string_view text = "ERROR no such command; there are LISTEN and STATS\n";
    ::send(one.peer->fd(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    drop(who);
  }
}

/// Others may have it still for a moment, for example the version before this one.
void sender::drop(listener_map::iterator which) {
  if (which->second.listens) ++seen_.closed;
  ::shutdown(which->second.peer->fd(), SHUT_RDWR);
  listeners_.erase(which);
}

void sender::tell(blocking_context& ctx) {
  const auto now = std::chrono::steady_clock::now();
  if (seen_ == seen{} || now - told_ < tell_time) return;
  told_ = now;
  auto made = make_payload<record>();
  auto text = made->init<Counts>();
  text.setOpened(seen_.opened);
  text.setClosed(seen_.closed);
  text.setFrames(seen_.frames);
  text.setDropped(seen_.dropped);
  text.setBytes(seen_.bytes);
  seen_ = {};
  ctx.emit(counts, std::move(made));
}

// -- state --------------------------------------------------------------------------------------

void sender::save(state_writer& into) const {
  auto state = into.init<SenderState>();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto window = state.initWindow(static_cast<unsigned>(window_.size()));
  unsigned i = 0;
  for (const auto& one : window_) {
    auto entry = window[i++];
    entry.setSequence(one.sequence);
    entry.setText(blocking::saved_bytes(*one.text));
  }
  auto list = state.initListeners(static_cast<unsigned>(listeners_.size()));
  i = 0;
  for (const auto& [id, one] : listeners_) {
    auto entry = list[i++];
    entry.setConnection(id);
    entry.setListens(one.listens);
    entry.setLine(blocking::saved_bytes(one.line));
    entry.setNext(one.next);
    entry.setRest(blocking::saved_bytes(one.rest));
  }
  state.setOpened(seen_.opened);
  state.setClosed(seen_.closed);
  state.setFrames(seen_.frames);
  state.setDropped(seen_.dropped);
  state.setBytes(seen_.bytes);
}

/// Of several that were: all have seen the same frames up to their cuts, so the longest window has
/// the others' in it.
void sender::restore(context& ctx, state_reader& from) {
  const auto state = from.root<SenderState>();
  const auto window = state.getWindow();
  if (window.size() > window_.size()) {
    window_.clear();
    for (const auto entry : window) {
      if (!window_.empty() && entry.getSequence() != window_.back().sequence + 1)
        throw std::runtime_error("the frames that are kept do not follow each other");
      window_.push_back({entry.getSequence(),
                         std::make_shared<const std::string>(blocking::bytes_of(entry.getText()))});
    }
    while (window_.size() > window_size_) window_.pop_front();
  }
  auto& all = ctx.host<descriptors>();
  for (const auto entry : state.getListeners()) {
    listener one;
    one.peer = all.find(entry.getConnection());
    if (!one.peer) continue;
    one.listens = entry.getListens();
    one.line = blocking::bytes_of(entry.getLine());
    one.next = entry.getNext();
    one.rest = blocking::bytes_of(entry.getRest());
    listeners_[entry.getConnection()] = std::move(one);
  }
  seen_.opened += state.getOpened();
  seen_.closed += state.getClosed();
  seen_.frames += state.getFrames();
  seen_.dropped += state.getDropped();
  seen_.bytes += state.getBytes();
}

} // namespace instar::stream

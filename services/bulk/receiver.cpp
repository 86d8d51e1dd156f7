#include "services/bulk/receiver.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"
#include "services/blocking/waiting.hpp"
#include "services/bulk/pattern.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace instar::bulk {

namespace {

/// Between two tellings of a transfer that takes long.
constexpr std::chrono::milliseconds tell_time{50};

} // namespace

receiver::receiver(const settings& values, std::size_t block)
    : blocking_operator(blocking::rest_of(values)),
      stall_timeout_(values.duration("stall_timeout")), block_(block) {}

void receiver::run(blocking_context& ctx) {
  while (true) {
    while (!running_.empty()) {
      bool good = false;
      try {
        good = serve(ctx, running_.front());
      } catch (const std::system_error&) {
        // The client is gone.
      }
      const auto id = running_.front().connection;
      running_.pop_front();
      tell(ctx);
      auto back = make_payload<record>();
      auto text = back->init<Returned>();
      text.setConnection(id);
      text.setEnded(!good);
      ctx.emit(returned, std::move(back), id);
    }
    const auto came = ctx.receive();
    running_.push_back(begin(came.what));
  }
}

bool receiver::left_over(std::size_t, packet& p) {
  running_.push_back(begin(p));
  return true;
}

receiver::running receiver::begin(const packet& p) {
  const auto order = p.as<record>().read<Transfer>();
  running made;
  made.connection = order.getConnection();
  made.sends = order.getSends();
  made.size = order.getSize();
  made.seed = order.getSeed();
  made.since = clock::now();
  return made;
}

/// Returns whether the connection may be used for more.
bool receiver::serve(blocking_context& ctx, running& r) {
  if (!r.peer) r.peer = ctx.host<descriptors>().find(r.connection);
  if (!r.peer) return false;
  if (r.phase == phase::begun) {
    if (!r.sends) r.line = "HERE " + std::to_string(r.size) + "\n";
    r.phase = phase::line_before;
  }
  if (r.phase == phase::line_before) {
    if (!write_line(ctx, r)) return false;
    r.phase = phase::moving;
  }
  if (r.phase == phase::moving) {
    if (!move(ctx, r)) return false;
    tell(ctx);
    if (r.done < r.size) r.line = "BAD " + std::to_string(r.done) + "\n";
    else r.line = r.sends ? "GOT " + std::to_string(r.size) + "\n" : "DONE\n";
    r.phase = phase::line_after;
  }
  return write_line(ctx, r) && r.done == r.size;
}

/// Returns false if the client lets it wait for too long, or has ended.
bool receiver::move(blocking_context& ctx, running& r) {
  while (r.done < r.size) {
    before_moving(ctx);
    const short what = r.sends ? POLLIN : POLLOUT;
    if (!blocking::wait_ready(ctx, r.peer->fd(), what, r.since + stall_timeout_)) return false;
    const auto n = r.sends ? receive(ctx, r) : send(ctx, r);
    (r.sends ? received_ : sent_) += n;
    r.since = clock::now();
    if (r.phase == phase::line_after) return true; // what came is wrong
    if (n == 0) return false;
    r.done += n;
    after_moving(n);
    if (r.since - told_ >= tell_time) tell(ctx);
  }
  return true;
}

std::size_t receiver::receive(blocking_context& ctx, running& r) {
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(r.size - r.done, block_.size()));
  const auto n = ctx.read(r.peer->fd(), std::span(block_).first(wanted));
  const auto wrong =
      pattern(r.seed).find_wrong(std::span<const std::byte>(block_).first(n), r.done);
  if (!wrong) return n;
  r.done = *wrong;
  r.phase = phase::line_after;
  return n;
}

std::size_t receiver::send(blocking_context& ctx, const running& r) {
  const auto size =
      static_cast<std::size_t>(std::min<std::uint64_t>(r.size - r.done, block_.size()));
  pattern(r.seed).fill(std::span(block_).first(size), r.done);
  return ctx.write(r.peer->fd(), std::span<const std::byte>(block_).first(size));
}

bool receiver::write_line(blocking_context& ctx, running& r) {
  while (!r.line.empty()) {
    if (!blocking::wait_ready(ctx, r.peer->fd(), POLLOUT, r.since + stall_timeout_)) return false;
    r.line.erase(0, ctx.write(r.peer->fd(), std::as_bytes(std::span(r.line))));
    r.since = clock::now();
  }
  return true;
}

/// Tells the reporter what has moved since it was told before.
void receiver::tell(blocking_context& ctx) {
  if (received_ == 0 && sent_ == 0) return;
  auto made = make_payload<record>();
  auto text = made->init<Moved>();
  text.setReceived(std::exchange(received_, 0));
  text.setSent(std::exchange(sent_, 0));
  told_ = clock::now();
  ctx.emit(moved, std::move(made));
}

void receiver::save(state_writer& into) const {
  auto state = into.init<ReceiverState>();
  state.setReceived(received_);
  state.setSent(sent_);
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto list = state.initRunning(static_cast<unsigned>(running_.size()));
  unsigned i = 0;
  for (const auto& r : running_) {
    auto entry = list[i++];
    entry.setConnection(r.connection);
    entry.setSends(r.sends);
    entry.setSize(r.size);
    entry.setSeed(r.seed);
    entry.setDone(r.done);
    entry.setPhase(static_cast<std::uint8_t>(r.phase));
    entry.setLine(r.line);
    entry.setSince(blocking::saved_time(r.since));
  }
}

void receiver::restore(context&, state_reader& from) {
  const auto state = from.root<ReceiverState>();
  received_ += state.getReceived();
  sent_ += state.getSent();
  for (const auto entry : state.getRunning()) {
    if (entry.getPhase() > static_cast<std::uint8_t>(phase::line_after) ||
        entry.getDone() > entry.getSize())
      throw std::runtime_error("a transfer is in a phase that is not known");
    running r;
    r.connection = entry.getConnection();
    r.sends = entry.getSends();
    r.size = entry.getSize();
    r.seed = entry.getSeed();
    r.done = entry.getDone();
    r.phase = static_cast<phase>(entry.getPhase());
    r.line = entry.getLine().cStr();
    r.since = blocking::time_of(entry.getSince());
    running_.push_back(std::move(r));
  }
}

} // namespace instar::bulk

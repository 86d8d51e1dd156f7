#pragma once

#include "actors/context.hpp"
#include "services/net/connection.hpp"
#include "services/net/reactor.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace instar::net {

/// How far writing got.
enum class write_progress {
  complete, ///< all is written
  blocked,  ///< the socket takes no more now
  paused,   ///< it would take more, but others shall have their turn
  failed,   ///< the connection is lost
};

/// Writes answers to their connections, each connection's in the order in which they are given.
/// What a socket does not take at once waits here until the socket can be written, and holds up
/// nobody else. For an operator that answers; what waits is part of its state.
///
/// Whose answer is short does not wait behind the long ones of others: in each activation these go
/// last, only so many bytes of them, and the rest in turn after what has come meanwhile.
///
/// `Item` is an answer on its way: `sent`, `size()`, `complete()`, and `last()` if the connection
/// ends after it; if there is `answered()`, it is told once when all is written, or never will be.
/// `Writer::write(int socket, std::span<Item>)` writes as much as it can, notes that
/// in `sent`, and returns a `write_progress`.
///
/// Each answer fulfils the duty to answer one request. Used from the operator's thread only.
template <class Item, class Writer>
class outbox {
public:
  /// What is left to be written to one connection.
  struct output {
    payload_ptr<connection> to;
    lease registered;        // once it had to wait
    std::vector<Item> queue; // oldest first
    bool waits = false;      // an event will come
    bool fresh = false;      // is written at the end of the activation
    std::uint32_t moved = 0; // when it last took something, or had to begin to wait
  };
  using output_map = std::unordered_map<std::uint64_t, output>;

  /// A connection that leaves more than `most_waiting` bytes unread is broken off.
  explicit outbox(Writer writer,
                  std::uint64_t most_waiting = std::numeric_limits<std::uint64_t>::max())
      : writer_(std::move(writer)), most_waiting_(most_waiting) {}

  /// From `on_start`: writes what was restored.
  void start(context& ctx) {
    attach(ctx);
    for (auto at = outputs_.begin(); at != outputs_.end();) write(ctx, at++);
  }

  /// From `on_packet`. If other requests of the connection are open, the answer is written with
  /// theirs, in `flush`.
  void send(context& ctx, open_request from, Item one) {
    // Others before it may wait, others after it may follow.
    if (from->open_requests() > 1 || one.size() > long_answer) {
      const auto at = queue(std::move(from), std::move(one));
      if (!at->second.waits) write_later(at);
      else if (too_much(at->second)) lost(at);
      return;
    }
    const auto to = from.on();
    const auto progress = writer_.write(to->fd(), std::span(&one, 1));
    if (progress == write_progress::complete) {
      from.take();
      return answered(*to, one);
    }
    const auto at = queue(std::move(from), std::move(one));
    if (progress == write_progress::failed) lost(at);
    else if (!wait(ctx, at, progress)) write(ctx, at);
  }

  /// From `on_events`: sockets can be written.
  void writable(context& ctx, std::span<event> events) {
    for (auto& e : events) {
      const auto at = outputs_.find(static_cast<connection&>(*e.source).id());
      if (at == outputs_.end()) continue;
      at->second.moved = coarse_seconds();
      at->second.to->touch(at->second.moved);
      at->second.waits = false;
      if (unsent(at->second) > long_answer) write_later(at);
      else write(ctx, at);
    }
  }

  /// From `on_activation_end`.
  void flush(context& ctx) {
    for (const auto id : fresh_) {
      const auto at = outputs_.find(id);
      if (at != outputs_.end() && !at->second.waits && unsent(at->second) <= long_answer)
        write(ctx, at);
    }
    auto left = long_bytes;
    for (const auto id : fresh_) {
      const auto at = outputs_.find(id);
      if (at == outputs_.end()) continue;
      at->second.fresh = false;
      if (at->second.waits) continue;
      if (left == 0) {
        wait(ctx, at, write_progress::paused);
        continue;
      }
      left -= std::min(left, unsent(at->second));
      write(ctx, at);
    }
    fresh_.clear();
  }

  /// From `on_timer`: breaks connections off that have taken nothing for more than `most` seconds.
  void give_up(std::uint32_t now, std::uint32_t most) {
    for (auto at = outputs_.begin(); at != outputs_.end();) {
      const auto stuck = at++;
      if (stuck->second.waits && now - stuck->second.moved > most) lost(stuck);
    }
  }

  // -- state -------------------------------------------------------------------------------------

  /// Those that wait.
  const output_map& outputs() const { return outputs_; }
  /// From `restore`, before anything else.
  void attach(context& ctx) { sockets_ = &ctx.host<reactor>(); }
  reactor& sockets() const { return *sockets_; }
  /// What waited in another instance; with it the duties to answer. Dropped if the connection is
  /// lost.
  void restore(std::uint64_t connection_id, std::vector<Item> queue,
               std::uint32_t moved = coarse_seconds()) {
    output out;
    out.registered = sockets_->find(connection_id);
    out.to = out.registered.template as<connection>();
    out.queue = std::move(queue);
    out.moved = moved;
    if (out.to) outputs_.emplace(connection_id, std::move(out));
  }

private:
  using iterator = typename output_map::iterator;

  /// Beyond that many bytes an answer is a long one.
  static constexpr std::uint64_t long_answer = 32 * 1024;
  /// After so many bytes of long answers others get their turn.
  static constexpr std::uint64_t long_bytes = 256 * 1024;

  /// From here on the duty to answer is this object's.
  iterator queue(open_request from, Item one) {
    const auto at = outputs_.try_emplace(from->id()).first;
    auto& out = at->second;
    out.queue.push_back(std::move(one));
    auto to = from.take();
    if (!out.to) out.to = std::move(to);
    return at;
  }

  /// Once in an activation, however many answers the connection gets.
  void write_later(iterator at) {
    if (std::exchange(at->second.fresh, true)) return;
    fresh_.push_back(at->first);
  }

  static std::uint64_t unsent(const output& out) {
    std::uint64_t waiting = 0;
    for (const auto& one : out.queue) waiting += one.size() - one.sent;
    return waiting;
  }

  bool too_much(const output& out) const { return unsent(out) > most_waiting_; }

  void write(context& ctx, iterator at) {
    auto& out = at->second;
    while (true) {
      const auto progress = writer_.write(out.to->fd(), std::span(out.queue));
      if (progress == write_progress::failed) return lost(at);
      const auto open = std::find_if(out.queue.begin(), out.queue.end(),
                                     [](const Item& one) { return !one.complete(); });
      for (auto one = out.queue.begin(); one != open; ++one) answered(*out.to, *one);
      out.queue.erase(out.queue.begin(), open);
      if (out.queue.empty()) {
        outputs_.erase(at);
        return;
      }
      if (wait(ctx, at, progress)) return;
    }
  }

  /// Returns whether there is nothing more to do now: an event will come. If not, writing has to be
  /// tried once more.
  bool wait(context& ctx, iterator at, write_progress why) {
    auto& out = at->second;
    if (too_much(out)) {
      lost(at);
      return true;
    }
    const bool registered = static_cast<bool>(out.registered);
    if (!registered) {
      out.registered = sockets_->watch(out.to, interest::writes, ctx.events());
      out.moved = coarse_seconds();
    }
    out.waits = true;
    if (why == write_progress::paused) {
      ctx.events()->post({out.to, ready::writable});
      return true;
    }
    // Only what becomes writable after this is told; so what did before must be found by trying.
    if (registered && out.to->awaits_writable()) return true;
    out.to->await_writable();
    out.waits = false;
    return false;
  }

  void answered(connection& to, const Item& with) {
    if constexpr (requires { with.answered(); }) with.answered();
    if (with.last()) to.finish();
    if (to.close_request() == 0 && to.resume())
      sockets_->post(to, interest::resumes, ready::resumed);
  }

  void lost(iterator at) {
    const auto out = std::move(at->second);
    outputs_.erase(at);
    out.to->abort();
    for (const auto& one : out.queue) answered(*out.to, one);
  }

  Writer writer_;
  const std::uint64_t most_waiting_;
  reactor* sockets_ = nullptr;
  output_map outputs_;
  std::vector<std::uint64_t> fresh_; // have got something in this activation
};

} // namespace instar::net

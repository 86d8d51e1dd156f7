#pragma once

#include "services/net/endpoint.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace instar::net {

/// Seconds of a coarse monotonic clock; wraps after 136 years.
std::uint32_t coarse_seconds() noexcept;
/// Nanoseconds of the steady clock, for times that are taken on the way of a request.
std::uint64_t steady_nanoseconds() noexcept;
/// A time-out for the coarse clock: rounded up, at least one second.
std::uint32_t whole_seconds(std::chrono::nanoseconds time) noexcept;

/// A connected stream socket and what the operators on its way have to agree about.
///
/// One operator reads it, one writes it; each of them may be replaced at any time, so nothing of an
/// operator's is kept here: only counts and flags, which any thread may use.
class connection final : public endpoint {
public:
  static constexpr std::string_view payload_name = "net.connection";

  /// Takes over `fd`. `live` counts the connections that exist; `place` is held as long as this
  /// one.
  connection(int fd, std::uint64_t id, std::shared_ptr<std::atomic<std::size_t>> live,
             std::shared_ptr<const void> place = {}, bool surplus = false);
  ~connection() override;

  std::string_view type_name() const noexcept override { return payload_name; }
  std::string peer() const { return peer_address(fd()); }
  /// One more than there should be: whoever parses tells its peer so, in the words of its protocol,
  /// and takes nothing else from it.
  bool surplus() const noexcept { return surplus_; }

  // -- requests without a complete answer --------------------------------------------------------

  std::uint32_t open_requests() const noexcept { return open_.load(std::memory_order_seq_cst); }
  /// Returns how many are open now.
  std::uint32_t open_request() noexcept {
    return open_.fetch_add(1, std::memory_order_seq_cst) + 1;
  }
  std::uint32_t close_request() noexcept {
    return open_.fetch_sub(1, std::memory_order_seq_cst) - 1;
  }

  // -- back-pressure: who parses pauses, who answers resumes -------------------------------------

  /// From now on the reader leaves the socket alone. Whoever pauses looks afterwards whether any
  /// request is open still: if not, nobody else will resume.
  void pause() noexcept { paused_.store(true, std::memory_order_seq_cst); }
  bool paused() const noexcept { return paused_.load(std::memory_order_seq_cst); }
  /// Returns whether it was paused: then the caller is the one who has to tell of it. Called by
  /// whoever has answered the last open request.
  bool resume() noexcept {
    return paused_.load(std::memory_order_seq_cst) &&
           paused_.exchange(false, std::memory_order_seq_cst);
  }

  // -- the order of answers, where they may come in another one ----------------------------------

  /// Who parses: the number of the next answer, from 0 on.
  std::uint32_t take_turn() noexcept { return taken_.fetch_add(1, std::memory_order_relaxed); }
  /// Who answers: the number of the answer that has to be written next.
  std::uint32_t turn() const noexcept { return turn_.load(std::memory_order_relaxed); }
  void next_turn() noexcept { turn_.fetch_add(1, std::memory_order_relaxed); }

  // -- its end -----------------------------------------------------------------------------------

  /// No further request will be taken from it: what still arrives is read and thrown away.
  void end_input() noexcept { input_ended_.store(true, std::memory_order_release); }
  bool input_ended() const noexcept { return input_ended_.load(std::memory_order_acquire); }
  /// All was written: tells the peer, and leaves it to the reader to wait for the peer's end.
  void finish() noexcept;
  bool finished() const noexcept { return finished_.load(std::memory_order_acquire); }
  /// Breaks it off in both directions; the reader gets to know.
  void abort() noexcept;

  // -- idleness ----------------------------------------------------------------------------------

  void touch(std::uint32_t now) noexcept { active_.store(now, std::memory_order_relaxed); }
  std::uint32_t last_active() const noexcept { return active_.load(std::memory_order_relaxed); }

private:
  const std::shared_ptr<std::atomic<std::size_t>> live_;
  const std::shared_ptr<const void> place_;
  const bool surplus_;
  std::atomic<std::uint32_t> open_{0};
  std::atomic<std::uint32_t> active_;
  std::atomic<std::uint32_t> taken_{0}, turn_{0};
  std::atomic<bool> paused_{false};
  std::atomic<bool> input_ended_{false};
  std::atomic<bool> finished_{false};
};

/// The duty to answer one request on a connection; moves with the request along the graph.
///
/// Should a request get lost, because an operator threw while it held it, the connection is broken
/// off: its peer would wait in vain, or take the next answer for this one.
class open_request {
public:
  open_request() noexcept = default;
  /// Counts a new request on `on`, whose first byte was seen at that time: nanoseconds of the
  /// steady clock, 0 = not known.
  explicit open_request(payload_ptr<connection> on, std::uint64_t began = 0) noexcept
      : on_(std::move(on)), began_(began) {
    on_->open_request();
  }
  open_request(open_request&&) noexcept = default;
  open_request& operator=(open_request other) noexcept {
    std::swap(on_, other.on_);
    std::swap(began_, other.began_);
    return *this;
  }
  ~open_request() {
    if (on_) lost();
  }

  connection* operator->() const noexcept { return on_.get(); }
  const payload_ptr<connection>& on() const noexcept { return on_; }
  explicit operator bool() const noexcept { return static_cast<bool>(on_); }
  std::uint64_t began() const noexcept { return began_; }

  /// Passes the duty to the caller, who calls `close_request` once it is done.
  payload_ptr<connection> take() noexcept { return std::exchange(on_, nullptr); }

private:
  void lost() noexcept;

  payload_ptr<connection> on_;
  std::uint64_t began_ = 0;
};

} // namespace instar::net

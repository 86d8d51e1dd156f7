#pragma once

#include "actors/payload.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace instar::net {

/// What became possible on a socket; the bits of `event::value`.
namespace ready {
inline constexpr std::uint32_t readable = 1;
inline constexpr std::uint32_t writable = 2;
inline constexpr std::uint32_t hangup = 4;  ///< the peer sends no more, or the socket failed
inline constexpr std::uint32_t resumed = 8; ///< a paused connection may go on
} // namespace ready

/// A socket: closed when the last reference to it goes.
class endpoint : public payload {
public:
  ~endpoint() override;

  /// Unique in this process; how an operator's state names the socket.
  std::uint64_t id() const noexcept { return id_; }
  int fd() const noexcept { return fd_; }

  /// Notes readiness to read. Returns whether the caller has to post an event: false means that
  /// one is on its way already and will see these bits too.
  bool raise(std::uint32_t bits) noexcept {
    return raised_.fetch_or(bits, std::memory_order_acq_rel) == 0;
  }
  /// Takes the bits noted so far. To be called before the socket is read, so that whatever
  /// arrives later raises a new event.
  std::uint32_t take_raised() noexcept { return raised_.exchange(0, std::memory_order_acq_rel); }

  /// The writer asks for one event; it must try to write once more afterwards.
  void await_writable() noexcept { awaits_writable_.store(true, std::memory_order_seq_cst); }
  bool awaits_writable() const noexcept { return awaits_writable_.load(std::memory_order_seq_cst); }
  /// Returns whether an event was asked for, and takes that back.
  bool take_await_writable() noexcept {
    return awaits_writable() && awaits_writable_.exchange(false, std::memory_order_seq_cst);
  }

protected:
  endpoint(int fd, std::uint64_t id) noexcept : fd_(fd), id_(id) {}

private:
  const int fd_;
  const std::uint64_t id_;
  std::atomic<std::uint32_t> raised_{0};
  std::atomic<bool> awaits_writable_{false};
};

/// `127.0.0.1:8080` or `[::1]:8080`: one end of the socket `fd`; empty if it cannot be told.
std::string local_address(int fd);
std::string peer_address(int fd);

} // namespace instar::net

#pragma once

#include "actors/context.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>

namespace instar {

/// Thrown by a wrapper of `blocking_context` when the operator's thread has to come to rest: at a
/// cut, at its end, or when the service stops. Let it leave `run`; what it passes must leave the
/// members as `save` may find them.
struct interrupted {};

/// What an operator's own thread may ask of the host. Valid inside `run`, on its thread only.
///
/// The wrappers wait like the calls they are named after. A pending cut interrupts them: they throw
/// `interrupted` before anything was taken, written or changed, or not at all. So whoever keeps
/// what a call returned in a member before the next call loses nothing: the successor makes the
/// call that was interrupted once more. Errors of the system are thrown as `std::system_error`.
///
/// When the operator's place ends (`cut_purpose::removal`) nothing is saved. So then `receive` and
/// the calls that write throw only when they would have to wait.
class blocking_context {
public:
  blocking_context(const blocking_context&) = delete;
  blocking_context& operator=(const blocking_context&) = delete;

  // -- the graph ---------------------------------------------------------------------------------

  struct input {
    std::size_t port = 0;
    packet what;
  };
  /// Waits for the next packet of any input.
  virtual input receive() = 0;
  /// The same, at most until then; nothing if none has come.
  virtual std::optional<input> receive_until(std::chrono::steady_clock::time_point until) = 0;

  /// Sends a packet; it leaves at once. Never throws `interrupted`: waits while the arcs have no
  /// credit, unless the thread has to come to rest: then the packet is kept and leaves first.
  template <class P>
  void emit(const out_port<P>& port, payload_ptr<payload_class<P>> body, std::uint64_t key = 0) {
    emit_packet(port.index, packet{payload_ptr<payload>(std::move(body)), key});
  }
  virtual void emit_packet(std::size_t output, packet p) = 0;

  // -- descriptors: sockets, pipes, terminals, files; blocking or not -----------------------------

  /// Some bytes, at least one; 0 at the end.
  virtual std::size_t read(int fd, std::span<std::byte> into) = 0;
  /// Until `into` is full or the end has come. `have` counts what is in `into`: a member, part of
  /// the state. Returns whether it is full.
  bool read_all(int fd, std::span<std::byte> into, std::size_t& have);
  /// Some bytes, at least one. Never raises SIGPIPE.
  virtual std::size_t write(int fd, std::span<const std::byte> from) = 0;
  /// All of it. `done` counts what has been written: a member, part of the state.
  void write_all(int fd, std::span<const std::byte> from, std::size_t& done);
  /// The new connection's descriptor, close-on-exec. A connection that its client gave up before is
  /// passed over.
  virtual int accept(int fd) = 0;
  /// Of a socket, which interrupted goes on connecting: call it again.
  virtual void connect(int fd, const sockaddr* to, socklen_t size) = 0;

  struct readiness {
    int descriptors = 0; ///< so many of them are ready
    bool packet = false; ///< `receive` would not wait
  };
  /// Until one of them is ready, or, with `or_packet`, `receive` would not wait; nothing of either
  /// at the time-out.
  virtual readiness poll(std::span<pollfd> fds,
                         std::optional<std::chrono::nanoseconds> timeout = {},
                         bool or_packet = false) = 0;

  // -- time, locks, conditions --------------------------------------------------------------------

  virtual void sleep_until(std::chrono::steady_clock::time_point until) = 0;
  void sleep_for(std::chrono::nanoseconds d) { sleep_until(std::chrono::steady_clock::now() + d); }
  /// Takes a lock that other threads may hold for long. Throws without having it.
  virtual void lock(std::mutex& what) = 0;
  /// Waits until `ready`, with the lock held when it is called, when this returns and when it
  /// throws.
  template <class Ready>
  void wait(std::unique_lock<std::mutex>& held, std::condition_variable_any& changed, Ready ready) {
    const wait_scope scope(*this);
    if (!changed.wait(held, scope.token, std::move(ready))) throw interrupted{};
  }

  // -- code that knows nothing of this
  // --------------------------------------------------------------

  /// Calls `code`, which may block in system calls (of C libraries), and returns what it returns. A
  /// pending cut interrupts these by a signal, again and again until `code` returns: they fail with
  /// EINTR, or return what they have so far; `code` must return then. Does not throw `interrupted`
  /// itself: keep the result in a member, then call `rest_point`.
  template <class Code>
  auto plain(Code&& code) {
    const plain_scope scope(*this);
    return std::forward<Code>(code)();
  }
  /// Throws `interrupted` if the thread has to come to rest. For loops that compute for long.
  virtual void rest_point() = 0;

  // -- as in `context` ----------------------------------------------------------------------------

  virtual void log(log_level level, std::string_view line) = 0;
  /// As it was when `run` was called.
  virtual std::string_view name() const = 0;
  virtual epoch_t epoch() const = 0;
  virtual void stop_service(std::string_view reason) = 0;
  template <class R>
  R& host() {
    return *static_cast<R*>(host_resource(R::resource_name));
  }

protected:
  blocking_context() = default;
  ~blocking_context() = default;

  virtual void* host_resource(std::string_view name) = 0;
  virtual void begin_plain() noexcept = 0;
  /// Throws `interrupted`. What it returns is told to stop when a cut is pending.
  virtual std::stop_token begin_wait() = 0;
  virtual void end_call() noexcept = 0;

private:
  struct plain_scope {
    explicit plain_scope(blocking_context& of) noexcept : of(of) { of.begin_plain(); }
    ~plain_scope() { of.end_call(); }
    blocking_context& of;
  };
  struct wait_scope {
    explicit wait_scope(blocking_context& of) : of(of), token(of.begin_wait()) {}
    ~wait_scope() { of.end_call(); }
    blocking_context& of;
    std::stop_token token;
  };
};

} // namespace instar

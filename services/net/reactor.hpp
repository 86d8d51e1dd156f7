#pragma once

#include "actors/event_source.hpp"
#include "actors/inlet.hpp"
#include "services/net/address_counts.hpp"
#include "services/net/connection.hpp"
#include "services/net/listener.hpp"
#include "services/net/outgoing.hpp"
#include "services/net/shelf.hpp"

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace instar::net {

class reactor;

/// What a subscriber wants to be told of a socket.
enum class interest : std::uint8_t {
  reads,   ///< it can be read, or has ended
  writes,  ///< it can be written, once for each `connection::await_writable`
  resumes, ///< it was paused and may go on
};

/// Keeps a socket registered with the reactor. The reactor lets go of the socket with the last
/// lease of it; so an operator that ends without a successor takes its sockets with it, while a
/// successor that restored them has leases of its own.
class lease {
public:
  lease() noexcept = default;
  lease(lease&& other) noexcept;
  lease& operator=(lease&& other) noexcept;
  ~lease();

  explicit operator bool() const noexcept { return static_cast<bool>(on_); }
  endpoint* get() const noexcept { return on_.get(); }
  endpoint* operator->() const noexcept { return on_.get(); }

  /// The socket as a `connection` or `listener`; null if it is something else.
  template <class T>
  payload_ptr<T> as() const noexcept {
    return payload_ptr<T>::share(dynamic_cast<T*>(on_.get()));
  }

private:
  friend class reactor;
  lease(reactor* with, payload_ptr<endpoint> on) noexcept : with_(with), on_(std::move(on)) {}

  reactor* with_ = nullptr;
  payload_ptr<endpoint> on_;
};

/// Watches sockets and posts what becomes ready to the inlets of operators. Driven by whoever calls
/// `poll`: the workers of the service that it is attached to.
///
/// All sockets that became ready together arrive as one batch per inlet. A subscription is to an
/// inlet, which belongs to an operator's place in the graph: it goes on over updates of the
/// operator. For each socket at most one event to read is undelivered, and at most one to write.
///
/// Any thread may call it, `poll` one at a time. It has to outlive every lease, so every service
/// that uses it.
class reactor : public event_source {
public:
  static constexpr std::string_view resource_name = "net.reactor";

  /// Throws `std::system_error` if the system has no epoll instance left.
  reactor();
  ~reactor() override;
  reactor(const reactor&) = delete;
  reactor& operator=(const reactor&) = delete;

  void poll(bool block) override;
  void interrupt() override;

  /// Binds a socket that does not take connections yet.
  result<payload_ptr<listener>> bind(const listen_options& options,
                                     const listener* replaced = nullptr);
  /// Takes over a connected, non-blocking socket; with a place of `addresses`, which it then holds.
  payload_ptr<connection> adopt(int fd, std::shared_ptr<const void> place = {},
                                bool surplus = false);
  /// Takes over a socket of `begin_connecting`.
  payload_ptr<outgoing> adopt_outgoing(int fd);
  /// Counts connections by client, for whoever limits them.
  address_counts& addresses() noexcept { return *addresses_; }

  /// Registers the socket, or adds to what is told of it. A later subscription for the same
  /// `what` replaces the earlier one. Throws `std::system_error` if the system refuses.
  lease watch(payload_ptr<endpoint> on, interest what, std::shared_ptr<inlet> to);

  /// The registered socket of that id; an empty lease if there is none.
  lease find(std::uint64_t id);

  /// Raises an event as if the socket had become ready; dropped if nobody asked for it.
  void post(endpoint& on, interest what, std::uint32_t bits);

  /// Connections that exist, registered or not.
  std::size_t connections() const noexcept { return live_->load(std::memory_order_relaxed); }
  /// Sockets registered.
  std::size_t registered() const;

  /// What operators keep here while their state is handed over.
  shelf& kept() noexcept { return kept_; }

private:
  friend class lease;
  struct entry {
    payload_ptr<endpoint> on;
    std::array<std::shared_ptr<inlet>, 3> told; // by interest
    std::size_t leases = 0;
  };
  /// Events of one inlet, kept between rounds for its memory.
  struct delivery {
    std::shared_ptr<inlet> to;
    std::vector<event> events;
  };

  void sort_out(const epoll_event* ready, std::size_t count);
  void queue(const entry& socket, interest what, std::uint32_t bits);
  void release(endpoint& on);
  void add(endpoint& on);

  const int epoll_;
  const int wake_; // an eventfd
  const std::shared_ptr<std::atomic<std::size_t>> live_;
  const std::shared_ptr<address_counts> addresses_ = std::make_shared<address_counts>();
  std::atomic<std::uint64_t> last_id_{0};
  shelf kept_;
  mutable std::mutex guard_;
  std::unordered_map<std::uint64_t, entry> entries_;
  std::vector<epoll_event> ready_; // these two belong to whoever polls
  std::vector<delivery> deliveries_;
};

} // namespace instar::net

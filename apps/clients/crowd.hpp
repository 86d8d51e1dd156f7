#pragma once

#include "apps/clients/tally.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace instar::clients {

/// One client of a service: what a thread of a crowd does again and again. Whatever goes wrong it
/// throws, derived from `std::exception`, with what was expected and what came.
class client {
public:
  virtual ~client() = default;
  /// Connects, and says what a client says at first. Called again after every failure.
  virtual void open() = 0;
  /// Asks, waits for the answers and checks them. Returns how many came.
  virtual std::uint64_t ask() = 0;
  /// Ends in good order; only called while it is open.
  virtual void close() {}
  /// Adds figures of its own (`tally::more`). Called at its end, on its thread.
  virtual void count(tally&) const {}
};

/// Makes the client of that number, from 0 on.
using client_maker = std::function<std::unique_ptr<client>(std::size_t number)>;

/// Clients with a thread each, that ask without a pause until they are stopped, and what they have
/// seen. What one throws counts as failed; it opens anew, which counts as reopened.
class crowd {
public:
  crowd(std::size_t clients, const client_maker& make);
  ~crowd();
  crowd(const crowd&) = delete;
  crowd& operator=(const crowd&) = delete;

  std::size_t size() const { return members_.size(); }
  /// So far, of all. Any thread.
  tally seen() const;
  /// Of each.
  std::vector<tally> seen_by_each() const;
  /// Lets each finish what it has asked, and joins the threads. Returns what all have seen.
  tally stop();

private:
  struct member {
    std::unique_ptr<client> who;
    mutable std::mutex guard;
    tally seen;
    std::thread thread;
  };

  void run(member& m) const;
  void pause() const;

  std::vector<std::unique_ptr<member>> members_;
  std::atomic<bool> stopped_{false};
};

} // namespace instar::clients

#pragma once

#include "actors/graph.hpp"
#include "lifecycle/checkpoint_contents.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"
#include "transfer/checkpoint_folder.hpp"

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace instar::test {

constexpr long number_size = sizeof(std::uint64_t);

/// What the operators work on: numbers come in at one end and go out at another, eight bytes each.
struct plant {
  static constexpr std::string_view resource_name = "test.plant";

  plant() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == 0);
    guard.lock();
  }
  ~plant() {
    guard.unlock();
    for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
  }
  void feed(std::uint64_t from, std::uint64_t to) const {
    for (auto i = from; i < to; ++i) REQUIRE(::write(in[1], &i, sizeof i) == number_size);
  }
  /// Until the source has read all that it was fed.
  void wait_until_read() const {
    int left = 0;
    while (::ioctl(in[0], FIONREAD, &left) == 0 && left > 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  /// So many numbers; whether they are these in order.
  bool comes(std::uint64_t from, std::uint64_t to) const {
    for (auto i = from; i < to; ++i) {
      std::uint64_t got = 0;
      pollfd there{out[0], POLLIN, 0};
      if (::poll(&there, 1, 10'000) != 1) return false;
      if (::recv(out[0], &got, sizeof got, MSG_WAITALL) != number_size || got != i) return false;
    }
    return true;
  }
  bool quiet() const {
    pollfd there{out[0], POLLIN, 0};
    return ::poll(&there, 1, 20) == 0;
  }

  int in[2], out[2];
  std::atomic<std::uint64_t> throw_at{~std::uint64_t{0}};
  std::atomic<bool> slow{false};
  std::atomic<int> call{0}, entered{0}, stuck{0};
  std::mutex guard; // locked all the time
};

/// `test.source`, `test.middle`, `test.sink` and `test.waits`, in the versions 1 and 2. A source
/// reads numbers and emits each; a middle, which does not block, passes them on; a sink writes
/// them. Version 3 of the source restores nothing, version 2 of the sink leaves no packet over.
///
/// `test.desk` and `test.worker` are a loop: a desk reads numbers, gives each to a worker and lets
/// out what comes back; a worker gives each back after a while.
///
/// A waits waits in one wrapper after the other, as the plant says: 0 to `wrappers` - 1, and then
/// in code that nothing interrupts.
std::shared_ptr<operator_library> blocking_operators();
constexpr int wrappers = 11;

operator_node node(std::string name, std::string type);
/// source -> middle -> sink
graph chain(std::size_t capacity = 64);
/// desk -> worker -> desk -> sink, with so many workers
graph loop_of(std::uint32_t workers);

/// A service of these operators, asked and waited for.
class running {
public:
  explicit running(plant& of, std::shared_ptr<checkpoint_store> checkpoints = nullptr)
      : service_([&] {
          service_options o;
          o.workers = 2;
          o.blocking_threads = 2;
          o.operators = blocking_operators();
          o.checkpoints = std::move(checkpoints);
          return o;
        }()) {
    service_.offer(plant::resource_name, &of);
  }

  template <class Ask>
  history_entry outcome(Ask&& ask) {
    std::promise<history_entry> done;
    ask([&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  history_entry apply(graph g) {
    return outcome([&](auto done) {
      service_.apply({std::move(g), "test", std::chrono::seconds(10)}, done);
    });
  }
  history_entry update(std::vector<operator_update> what,
                       std::chrono::nanoseconds within = std::chrono::seconds(10)) {
    return outcome([&](auto done) { service_.update(std::move(what), "test", within, done); });
  }
  history_entry checkpoint() {
    return outcome([&](auto done) { service_.checkpoint("test", std::chrono::seconds(10), done); });
  }
  history_entry restore(graph g, restore_request from) {
    return outcome([&](auto done) {
      service_.restore({std::move(g), "test", std::chrono::seconds(10)}, std::move(from), done);
    });
  }
  history_entry stop(std::chrono::nanoseconds within = std::chrono::seconds(10)) {
    return outcome([&](auto done) { service_.stop("test", within, done); });
  }

private:
  service service_;
};

/// What a service has left there that was cut off.
inline std::shared_ptr<const checkpoint_contents> newest_in(const std::filesystem::path& folder) {
  auto found = newest_whole(folder);
  REQUIRE(found.file);
  auto contents = checkpoint_contents::read(*std::move(found.file));
  REQUIRE_MESSAGE(contents, contents.error().message);
  return *contents;
}

inline void check_committed(const history_entry& e) {
  CHECK_MESSAGE(e.outcome == transition_outcome::committed, e.reason);
  CHECK(e.reason == "");
}

} // namespace instar::test

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace instar {

/// Threads for work that may block: operators' `run_blocking`, construction of successors.
///
/// Threads are started when work waits, up to the limit, and kept. With a limit of 0 `run` does
/// the work itself: deterministic tests.
class blocking_pool {
public:
  explicit blocking_pool(std::size_t max_threads);
  /// Finishes the work that has begun, drops the rest, and joins.
  ~blocking_pool();

  /// Takes work that does not throw. Any thread.
  void run(std::function<void()> work);

private:
  void loop();

  const std::size_t max_threads_;
  std::mutex guard_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

} // namespace instar

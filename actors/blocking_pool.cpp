#include "actors/blocking_pool.hpp"

#include <pthread.h>

#include <utility>

namespace instar {

blocking_pool::blocking_pool(std::size_t max_threads) : max_threads_(max_threads) {}

blocking_pool::~blocking_pool() {
  {
    std::lock_guard lock(guard_);
    ending_ = true;
    waiting_.clear();
  }
  filled_.notify_all();
  for (auto& t : threads_) t.join();
}

void blocking_pool::run(std::function<void()> work) {
  if (max_threads_ == 0) {
    work();
    return;
  }
  std::lock_guard lock(guard_);
  if (ending_) return;
  waiting_.push_back(std::move(work));
  if (waiting_.size() > idle_ && threads_.size() < max_threads_)
    threads_.emplace_back([this] { loop(); });
  else filled_.notify_one();
}

void blocking_pool::loop() {
  pthread_setname_np(pthread_self(), "instar.pool");
  std::unique_lock lock(guard_);
  for (;;) {
    ++idle_;
    filled_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    auto work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr; // its captures go here, not under the lock
    lock.lock();
  }
}

} // namespace instar

#include "bench/state/client.hpp"

#include <algorithm>
#include <utility>

namespace instar::bench {

client::client(std::uint64_t accounts) : accounts_(accounts), expected_(accounts) {}

client::~client() { stop(); }

void client::connect(std::shared_ptr<inlet> to) {
  to_ = std::move(to);
  connected_ = 1;
  connected_.notify_one();
}

void client::answered(std::uint64_t amount) {
  answer_ = amount;
  answers_ = answers_ + 1;
  answers_.notify_one();
}

void client::start() {
  thread_ = std::thread([this] { run(); });
  answers_.wait(0);
}

void client::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void client::run() {
  connected_.wait(0);
  std::mt19937_64 random(1);
  for (std::uint64_t n = 0; !stop_; ++n) {
    const auto account = random() % accounts_;
    const auto asked = clock::now();
    to_->post(event{nullptr, account});
    answers_.wait(n);
    const auto took = clock::now() - asked;
    if (answer_ != ++expected_[account]) ++wrong_;
    const std::lock_guard hold(lock_);
    noted_.push_back({asked, took});
  }
}

client::summary client::between(clock::time_point from, clock::time_point to) {
  const std::lock_guard hold(lock_);
  summary s;
  for (const auto& a : noted_) {
    if (a.asked + a.took < from || a.asked > to) continue;
    ++s.answers;
    s.longest = std::max(s.longest, a.took);
  }
  return s;
}

void client::forget() {
  const std::lock_guard hold(lock_);
  noted_.clear();
}

} // namespace instar::bench

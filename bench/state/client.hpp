#pragma once

#include "actors/inlet.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace instar::bench {

/// Asks for one random account after the other, each when the answer to the last has come, and
/// counts on its own what the answers should be.
class client {
public:
  using clock = std::chrono::steady_clock;

  explicit client(std::uint64_t accounts);
  ~client();

  /// By the operators: where questions go in; the answer to the one that is open.
  void connect(std::shared_ptr<inlet> to);
  void answered(std::uint64_t amount);

  /// Returns when the first answer is there: an operator that fills itself may take its time.
  void start();
  void stop();

  struct answer {
    clock::time_point asked;
    clock::duration took;
  };
  /// Those of a time, also one that has no answer yet at its end.
  struct summary {
    std::uint64_t answers = 0;
    clock::duration longest{0};
  };
  summary between(clock::time_point from, clock::time_point to);
  /// What has been noted so far is forgotten.
  void forget();
  std::uint64_t wrong() const { return wrong_; }

private:
  void run();

  const std::uint64_t accounts_;
  std::shared_ptr<inlet> to_;
  std::atomic<std::uint64_t> connected_ = 0, answer_ = 0, answers_ = 0, wrong_ = 0;
  std::atomic<bool> stop_ = false;
  std::mutex lock_;
  std::vector<answer> noted_;
  std::vector<std::uint32_t> expected_;
  std::thread thread_;
};

} // namespace instar::bench

#pragma once

#include "actors/inlet.hpp"
#include "actors/payload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::bench {

/// What every packet carries, on both sides: allocated by the source, freed by the sink.
struct number : payload {
  static constexpr std::string_view payload_name = "bench.number";
  explicit number(std::uint64_t v) : value(v) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t value;
};

enum class question { throughput, latency };

/// Takes the measurement, inside the sink: the time between two packet counts, or the time of
/// each packet from the source. The sides differ in nothing that is counted here.
///
/// Touched by the sink only, except for `wait` and what is constant.
class meter {
public:
  static constexpr std::string_view resource_name = "bench.meter";

  meter(question asked, std::uint64_t packets)
      : asked_(asked), warm_up_(packets / 10), last_(warm_up_ + packets) {
    if (asked == question::latency) took_.reserve(packets);
  }

  question asked() const { return asked_; }
  /// The source sends no more than that: nothing goes on while its side is taken down.
  std::uint64_t packets_in_all() const { return last_; }
  static std::uint64_t now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }

  /// At the sink, for every packet. `key` is the time of emission when latency is asked.
  void count(std::uint64_t key) {
    ++seen_;
    if (asked_ == question::latency && seen_ > warm_up_ && seen_ <= last_)
      took_.push_back(now() - key);
    if (seen_ == warm_up_) begin_ = now();
    if (seen_ == last_) {
      end_ = now();
      done_.release();
    }
  }
  bool finished() const { return seen_ >= last_; }

  /// From the main thread: packets/s, or the median latency in us.
  double wait() {
    done_.acquire();
    if (asked_ == question::throughput)
      return static_cast<double>(last_ - warm_up_) * 1e9 / static_cast<double>(end_ - begin_);
    auto middle = took_.begin() + static_cast<std::ptrdiff_t>(took_.size() / 2);
    std::nth_element(took_.begin(), middle, took_.end());
    return static_cast<double>(*middle) / 1e3;
  }

private:
  const question asked_;
  const std::uint64_t warm_up_, last_;
  std::uint64_t seen_ = 0, begin_ = 0, end_ = 0;
  std::vector<std::uint64_t> took_;
  std::binary_semaphore done_{0};
};

// Both sides send `packets`, after a tenth as many to warm up.

/// Six operators of a service with its default options, but for the number of workers; 0 = that,
/// too.
double measure_instar(question asked, std::uint64_t packets, std::size_t workers = 0);

/// Six actors, hand-wired, one message per packet.
struct raw_setup {
  std::string_view policy;
  std::size_t workers;
};
double measure_raw_caf(raw_setup how, question asked, std::uint64_t packets);

} // namespace instar::bench

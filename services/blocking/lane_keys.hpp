#pragma once

#include "actors/lanes.hpp"
#include "actors/operator_type.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace instar::blocking {

/// Keys with which packets reach each of the replicas of the operator behind an output, for whoever
/// wants a certain one: the one that is free, or each of them in turn. The replicas have to have
/// `key = "number"`, and their number has to be told.
class lane_keys {
public:
  /// `setting` names where the number comes from. Throws `std::invalid_argument` if it cannot be.
  lane_keys(std::int64_t count, const char* setting) {
    if (count < 1 || count > static_cast<std::int64_t>(max_lanes))
      throw std::invalid_argument(std::string(setting) + " = " + std::to_string(count) +
                                  " cannot be; give as many as `replicas` of those behind it, 1 "
                                  "to " +
                                  std::to_string(max_lanes));
    std::vector<std::optional<std::uint64_t>> found(static_cast<std::size_t>(count));
    std::size_t missing = found.size();
    for (std::uint64_t key = 0; missing > 0; ++key) { // any key that leads there will do
      auto& one = found[lane_of(place_of(key, key_kind::number), found.size())];
      if (!one) one = key, --missing;
    }
    for (const auto& one : found) keys_.push_back(*one);
  }

  std::size_t size() const { return keys_.size(); }
  /// Of the replica of that number, from 0 on.
  std::uint64_t key(std::size_t lane) const { return keys_[lane]; }
  std::size_t lane(std::uint64_t key) const {
    return lane_of(place_of(key, key_kind::number), keys_.size());
  }

private:
  std::vector<std::uint64_t> keys_;
};

/// Which replicas have work that was given to them: each as much as was not yet given back.
class free_lanes {
public:
  free_lanes(std::int64_t count, const char* setting)
      : keys_(count, setting), busy_(keys_.size()) {}

  /// The key of one that has nothing to do, which has something now; nothing if all have.
  std::optional<std::uint64_t> take() {
    const auto free = std::find(busy_.begin(), busy_.end(), std::size_t{0});
    if (free == busy_.end()) return std::nullopt;
    ++*free;
    return keys_.key(static_cast<std::size_t>(free - busy_.begin()));
  }
  void give_back(std::uint64_t key) {
    auto& busy = busy_[keys_.lane(key)];
    if (busy > 0) --busy;
  }
  /// It has something that a predecessor gave it.
  void note_taken(std::uint64_t key) { ++busy_[keys_.lane(key)]; }

private:
  const lane_keys keys_;
  std::vector<std::size_t> busy_;
};

} // namespace instar::blocking

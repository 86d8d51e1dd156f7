#pragma once

#include "services/kv/batch.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace instar::kv {

/// Sorts the commands of one turn by the stores that have their keys. A command with keys of
/// several stores is split: one part for each key.
class lane_sorter {
public:
  /// Which lane has a place in the space of hashes.
  using lane_function = std::function<std::size_t(std::uint64_t)>;

  struct lane {
    std::vector<command_part> commands;
    std::vector<std::string_view> args;
  };

  /// For a new turn.
  void begin(std::size_t lanes);
  /// Where the arguments of the next command go, behind what is there.
  std::vector<std::string_view>& args() { return lanes_.size() == 1 ? lanes_[0].args : args_; }
  /// What has been put into `args` is a command.
  const command_info& add(const lane_function& lane_of);

  std::size_t commands() const { return commands_; }
  std::span<lane> lanes() { return lanes_; }
  /// Lanes that have something to do.
  std::size_t parts() const;

private:
  void put(std::size_t lane, const command_info& info, std::uint32_t part, joining how,
           std::span<const std::string_view> args);
  void sort(const command_info& info, const lane_function& lane_of);
  bool split(const command_info& info, const lane_function& lane_of);

  std::vector<lane> lanes_;
  std::vector<std::string_view> args_; // of one command, if there are several lanes
  std::vector<std::size_t> of_key_;    // the lane of each key of one command
  std::uint32_t commands_ = 0;
};

/// The first place behind those of a lane.
std::uint64_t lane_end(std::size_t lane, std::size_t lanes);

} // namespace instar::kv

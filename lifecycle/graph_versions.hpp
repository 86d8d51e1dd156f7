#pragma once

#include "actors/packet.hpp"
#include "lifecycle/planned.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

namespace instar {

/// The graph that runs and those that ran before it, each by the epoch whose commit made it.
///
/// Remembers for each version which place every operator had, so that the way back from a renaming
/// is a renaming, too.
class graph_versions {
public:
  using place_numbers = std::map<std::string, std::uint64_t, std::less<>>;

  struct version {
    epoch_t epoch = 0;
    std::shared_ptr<const graph> given;   ///< as it was written
    std::shared_ptr<const graph> checked; ///< with all defaults
    place_numbers places;                 ///< by operator
  };

  /// Remembers so many versions with the running one, but at least two.
  explicit graph_versions(std::size_t kept);

  const typed_graph& running() const { return running_; }
  const graph& given() const { return given_; }
  /// The highest that was committed.
  epoch_t epoch() const { return epoch_; }

  /// Grows with every commit.
  std::uint64_t generation() const { return generation_; }

  /// A transition has done what was planned. Others that it does not overlap with may have
  /// committed since it was planned: what they changed stays.
  void commit(epoch_t epoch, const planned& done);
  /// The same graph in other words.
  void reword(graph given, graph checked);
  /// Nothing runs any more.
  void end(epoch_t epoch);

  /// A version that is kept. The failure tells which are.
  result<const version*> find(epoch_t epoch) const;
  /// The one before the running one.
  result<const version*> former() const;
  /// The running one; null if nothing runs.
  const version* latest() const { return versions_.empty() ? nullptr : &versions_.back(); }
  /// Which operator of `from` has the place of each of `to`, or else its name.
  static lineage between(const version& from, const version& to);

private:
  void remember(epoch_t epoch, place_numbers places);
  void remember_asked_for(epoch_t epoch, place_numbers places);

  const std::size_t kept_;
  typed_graph running_;
  graph given_;
  epoch_t epoch_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t last_place_ = 0;
  std::deque<version> versions_; // the running one is the last
};

} // namespace instar

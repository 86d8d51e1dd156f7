#pragma once

#include "actors/packet.hpp"
#include "lifecycle/graph_index.hpp"
#include "lifecycle/planned.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace instar {

/// The graph that runs and those that ran before it, each by the epoch whose commit made it.
///
/// Remembers for each version which place every operator had, so that the way back from a renaming
/// is a renaming, too. Operators that were put on arcs for a while (`graph_edit`) are part of
/// `running` and `given`, but of no version. What a commit costs is in proportion to what it
/// changes; what looking back costs, to the graph and the changes since.
class graph_versions {
public:
  using place_numbers = std::map<std::string, std::uint64_t, std::less<>>;

  struct version {
    epoch_t epoch = 0;
    graph given;   ///< as it was written
    graph checked; ///< with all defaults
    /// By operator; never null.
    std::shared_ptr<const place_numbers> places = std::make_shared<const place_numbers>();
  };

  /// Remembers so many versions with the running one, but at least two.
  explicit graph_versions(std::size_t kept);

  const typed_graph& running() const { return running_; }
  /// `running` in numbers.
  const graph_index& index() const { return index_; }
  const graph& given() const { return given_; }
  /// As it was written.
  const operator_node& given(graph_index::number op) const;
  /// The highest that was committed.
  epoch_t epoch() const { return epoch_; }

  /// Grows with every commit.
  std::uint64_t generation() const { return generation_; }

  /// A transition has done what was planned. Others that it does not overlap with may have
  /// committed since it was planned: what they changed stays.
  void commit(epoch_t epoch, const planned& done);
  /// A transition that has changed nothing.
  void pass(epoch_t epoch) { epoch_ = std::max(epoch_, epoch); }
  /// The same graph in other words.
  void reword(graph given, graph checked);
  /// Nothing runs any more.
  void end(epoch_t epoch);

  /// A version that is kept. The failure tells which are.
  result<version> find(epoch_t epoch) const;
  /// The epoch of the one before the running one.
  result<epoch_t> former() const;
  /// The running one; of epoch 0 if nothing runs.
  version latest() const;
  /// Which operator of `from` has the place of each of `to`, or else its name.
  static lineage between(const version& from, const version& to);

private:
  /// Operators as they were before a commit that exchanged them: as given, and as checked.
  using exchanged = std::vector<std::pair<operator_node, operator_node>>;
  struct whole {
    graph given, checked;
  };
  /// A version before the running one, as the way back to it from the version after it.
  struct remembered {
    epoch_t epoch = 0;
    std::shared_ptr<const place_numbers> places;
    std::variant<exchanged, whole> back{};
  };

  std::size_t place_in_given(graph_index::number op) const;
  void remember(epoch_t epoch, std::variant<exchanged, whole> former,
                std::shared_ptr<const place_numbers> places);
  void remember_asked_for(epoch_t epoch, whole former, place_numbers places);
  exchanged exchange(const planned& done);
  whole replace(const planned& done);
  void forget_was();
  version at(std::size_t place) const;

  const std::size_t kept_;
  typed_graph running_;
  graph_index index_;
  graph given_;
  epoch_t epoch_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t last_place_ = 0;
  std::deque<remembered> versions_; // the running one is the last
};

} // namespace instar

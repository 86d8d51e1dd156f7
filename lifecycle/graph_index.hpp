#pragma once

#include "lifecycle/loops.hpp"
#include "lifecycle/name_index.hpp"
#include "lifecycle/plan.hpp"
#include "lifecycle/region.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace instar {

/// A checked graph in numbers: who is next to whom, operators and arcs by their place in `graph`.
///
/// To make one takes time linear in the graph. It holds until operators or arcs come or go; a type
/// that is exchanged for another is told to it.
class graph_index {
public:
  using number = std::uint32_t;
  using numbers = std::vector<number>;
  static constexpr number none = ~number{0};

  graph_index() = default;
  explicit graph_index(const typed_graph& of);

  /// The operator of that name, or `none`.
  number find(std::string_view op) const { return static_cast<number>(names_.find(op)); }
  void set_type(number op, const operator_description& type);

  std::span<const number> leaving(number op) const { return out_.of(op); }
  std::span<const number> entering(number op) const { return in_.of(op); }
  number from(number arc) const { return ends_[arc].first; }
  number to(number arc) const { return ends_[arc].second; }

  /// What arcs lead to from these, however far.
  numbers below(const numbers& starts) const;
  /// The region of the markers if these change (`find_region`), its operators only.
  numbers region_of(const numbers& changes) const;
  /// Those on cycles with it, itself among them; none if it is on no cycle.
  std::span<const std::size_t> on_cycles_with(number op) const;
  /// Operators on cycles with each other to which arcs lead from some of these, or which are among
  /// them, and which others of these are below. Only where some are.
  struct cycles_and_below {
    const cycle_groups::group* cycles;
    numbers below;
  };
  std::vector<cycles_and_below> cycles_above(const numbers& some) const;
  /// A loop through it may have to be empty before it changes.
  bool drains(number op) const;

private:
  /// Arcs by the operator at one of their ends.
  struct adjacency {
    numbers first, arcs;
    std::span<const number> of(number op) const {
      return {arcs.data() + first[op], first[op + 1] - first[op]};
    }
  };
  template <class End>
  adjacency by_end(std::size_t operators, End end) const;

  name_index names_;
  std::vector<std::pair<number, number>> ends_;
  adjacency out_, in_;
  region_query shape_; // nothing changes in it
  cycle_groups cycles_;
  std::vector<bool> draining_; // by group of cycles
};

/// Arcs along which packets go that these operators send or get: their own, and those to and from
/// operators that pass them on. In order.
graph_index::numbers find_flow(const typed_graph& of, const graph_index& index,
                               const graph_index::numbers& operators);

/// The part of a graph that an exchange of some operators' types concerns.
struct neighbourhood {
  /// Those that change; the region of their markers; who is at the other end of their arcs; who is
  /// on cycles with them; who sends or gets what passes through them.
  graph_index::numbers operators, arcs; ///< … and all arcs between these
  /// Arcs that carry what those that change send or get, also through operators that pass it on;
  /// and the operators at them.
  graph_index::numbers flow_operators, flow_arcs;
};

/// Whatever `make_plan` and `make_footprint` say of the part, but for `footprint::below`, they say
/// of the whole; and of operators and arcs outside it, that nothing becomes of them.
neighbourhood find_neighbourhood(const typed_graph& of, const graph_index& index,
                                 const graph_index::numbers& changes);

typed_graph part_of(const typed_graph& whole, const graph_index::numbers& operators,
                    const graph_index::numbers& arcs);

} // namespace instar

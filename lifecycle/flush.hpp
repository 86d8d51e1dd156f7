#pragma once

#include "lifecycle/plan.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace instar {

/// Input of `find_flush`: the old graph's shape without feedback arcs, operators by index.
struct flush_query {
  std::size_t operators = 0;
  std::vector<std::pair<std::size_t, std::size_t>> arcs; ///< from, to
  std::vector<bool> ends;                                ///< by arc: `find_ended_ways`
  std::vector<bool> splits;                              ///< `operator_type::splits`
  std::vector<bool> ceases;                              ///< … and the one after it does not
};

/// The operators that markers have to reach although nothing changes at them, so that no packet is
/// under way any more that the graph after the transition would tear from others of its request.
///
/// The region of a later transition (`find_region`) begins where packets of one request part, as
/// the graph is then. A packet may be under way that parted from others where no way leads on any
/// more: the later markers would reach these others before it, and it before those. So where a way
/// ends, or an operator ceases to split, the markers begin at each ancestor that packets part at,
/// go on to everything below, and the transition is not over before they have passed there.
std::vector<bool> find_flush(const flush_query& of);

/// By arc of the running graph, in its order: whether the transition ends this way. It does not if
/// operators are put on it that are new, nor if a single one is taken away between two others that
/// an arc joins then.
std::vector<bool> find_ended_ways(const transition_plan& plan);

} // namespace instar

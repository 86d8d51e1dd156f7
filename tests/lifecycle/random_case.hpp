#pragma once

#include "actors/graph.hpp"
#include "transfer/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace instar::test {

/// One change of a graph, in words:
///
///     replace OPERATOR                        by its other version
///     insert NEW TYPE@VERSION FROM.PORT TO CAPACITY [behind]
///                                             on a feedback arc: which leads to it, or from it
///     remove OPERATOR                         what led to it leads to what it led to
///     exchange OPERATOR NEW NEW               for two others in a row; a turn for one as well
///     rewire FROM.PORT TO OTHER               the arc leads to another operator
///     connect FROM.PORT TO CAPACITY
///     disconnect FROM.PORT TO
///     capacity FROM.PORT TO CAPACITY
///     feedback FROM.PORT TO CAPACITY POLICY   closes a loop by a feedback arc
///     policy FROM.PORT TO POLICY              "none" makes it an ordinary arc
///     source NEW TO CAPACITY
///     feed NEW TO CAPACITY                    a source of the other type
///     sink NEW FROM.PORT CAPACITY
using edit = std::vector<std::string>;

/// Makes the change if its operators and arcs are there and the graph stays one that a service
/// accepts; else leaves it as it is and returns false. So an edit still means something, or
/// nothing, when those before it are taken away.
bool apply_edit(graph& to, const edit& what);

/// Whether a service accepts the graph, and a test can afford it: packets multiply at every
/// fan-out and go round in loops. What goes round has to come out at last, so every cycle needs a
/// turn, and nothing on it may split.
bool acceptable(const graph& g);

/// What goes wrong in a transition, in words:
///
///     load | constructor N | save OPERATOR | restore OPERATOR | never OPERATOR | slow
///     kill N MESSAGES                         the Nth new actor, so many messages later
using fault = std::vector<std::string>;

struct random_transition {
  std::size_t after = 0; ///< messages since the one before was asked for
  bool update = false;   ///< asked for as an update, not as a graph; only if it just replaces
  std::vector<edit> edits;
  fault goes_wrong; ///< empty = nothing
};

/// A run that can be done again: a graph, how it is driven, and what is changed when.
struct random_case {
  std::uint64_t schedule = 0; ///< seed; 0 = the actors in turn
  std::uint64_t items = 10;   ///< of each source
  std::uint64_t per_event = 1;
  std::size_t activation = 1;
  graph start;
  std::vector<random_transition> transitions;
  std::size_t stop_after = 0; ///< messages since the last was asked for; 0 = when all is at rest
};

std::string to_text(const random_case& c);
/// The failure names the line.
result<random_case> parse_case(std::string_view text);

} // namespace instar::test

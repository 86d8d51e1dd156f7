#pragma once

#include "actors/graph.hpp"

#include <cstddef>
#include <functional>
#include <string>

namespace instar {

/// Notes a mistake of an operator; `line` 0 = not from a file.
using complain_function = std::function<void(std::size_t line, const std::string& operator_name,
                                             errc code, const std::string& what)>;

enum class flow_scope {
  cycles_and_payloads,
  payloads, ///< of a part of a graph whose cycles are known to be in order
};

/// The part of `check_graph` that follows the arcs: finds cycles without a feedback arc, feedback
/// arcs that close no cycle, and arcs whose packets do not fit their input. An output that follows
/// an input carries whatever arrives there, over any number of such operators. Arcs with an end
/// that does not exist are passed over.
void check_flow(const graph& g, const operator_types& types, flow_scope scope,
                const complain_function& complain);

} // namespace instar

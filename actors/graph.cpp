#include "actors/graph.hpp"

#include <algorithm>

namespace instar {

const char* to_string(error_strategy strategy) {
  switch (strategy) {
  case error_strategy::resume:
    return "resume";
  case error_strategy::restart:
    return "restart";
  case error_strategy::stop:
    return "stop";
  }
  return "";
}

const char* to_string(part_transfer how) {
  switch (how) {
  case part_transfer::pre_copy:
    return "pre_copy";
  case part_transfer::progressive:
    return "progressive";
  case part_transfer::none:
    break;
  }
  return "";
}

const char* to_string(feedback_policy policy) {
  switch (policy) {
  case feedback_policy::none:
    return "";
  case feedback_policy::hand_over:
    return "hand_over";
  case feedback_policy::drain:
    return "drain";
  }
  return "";
}

std::string arc_node::name() const { return from + "." + from_port + " -> " + to + "." + to_port; }

const operator_node* graph::find(std::string_view name) const {
  const auto found = std::find_if(operators.begin(), operators.end(),
                                  [&](const operator_node& op) { return op.name == name; });
  return found == operators.end() ? nullptr : &*found;
}

} // namespace instar

#pragma once

#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"

#include <future>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace instar::bench {

/// One line `figure value`, as run.sh collects them.
inline void sample(const std::string& figure, double value) {
  std::cout << figure << ' ' << value << std::endl;
}

inline history_entry apply(service& on, graph target) {
  std::promise<history_entry> done;
  on.apply({std::move(target), "bench", std::chrono::seconds(60)},
           [&](history_entry entry) { done.set_value(std::move(entry)); });
  return done.get_future().get();
}

inline history_entry update(service& on, std::vector<operator_update> what) {
  std::promise<history_entry> done;
  on.update(std::move(what), "bench", std::chrono::seconds(60),
            [&](history_entry entry) { done.set_value(std::move(entry)); });
  return done.get_future().get();
}

inline void require_committed(const history_entry& entry) {
  if (entry.outcome != transition_outcome::committed)
    throw std::runtime_error("transition " + std::to_string(entry.id) + ": " +
                             to_string(entry.outcome) + ": " + entry.reason);
}

/// A pipeline: `types[i]` becomes operator `i`, named `n<i>`.
inline graph pipeline(const std::vector<std::string>& types, std::size_t capacity) {
  graph g;
  g.name = "pipeline";
  for (const auto& type : types) {
    operator_node node;
    node.name = "n" + std::to_string(g.operators.size());
    node.type = type;
    node.version = 1;
    if (!g.operators.empty())
      g.arcs.push_back({g.operators.back().name, "", node.name, "", capacity, 0});
    g.operators.push_back(std::move(node));
  }
  return g;
}

} // namespace instar::bench

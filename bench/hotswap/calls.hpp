#pragma once

#include "bench/driver.hpp"

#include "actors/call_ports.hpp"
#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace instar::bench {

inline std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// A service of the real modules with one operator `it`, whose object the threads of this program
/// call, and perhaps a policy that exchanges it.
class called_service {
public:
  /// `operators`: what stands below `[operators]` in its graph file.
  called_service(const std::string& modules, const std::string& operators, std::size_t workers = 0)
      : running_(options(workers)) {
    auto file = parse_graph("[graph]\nname = 'hotswap'\nmodules = ['" + modules +
                                "']\n[operators]\n" + operators,
                            modules + "/hotswap.toml");
    for (const auto& m : file.mistakes) throw std::runtime_error(m.message);
    require_committed(apply(running_, std::move(file.content)));
  }

  call_ports& calls() { return running_.calls(); }
  template <class Interface>
  void await() {
    if (!calls().port<Interface>("it")->await(std::chrono::seconds(60)))
      throw std::runtime_error("nobody serves at 'it'");
  }

  /// Exchanges it; returns at once.
  void begin_exchange(const std::string& type) {
    auto done = std::make_shared<std::promise<ended>>();
    outcome_ = done->get_future();
    running_.update({{"it", type, 1}}, "bench", std::chrono::seconds(60),
                    [done](const history_entry& e) {
                      done->set_value({e, now_ns()});
                    });
  }
  /// When the exchange that was begun had ended.
  std::uint64_t exchanged() {
    auto end = outcome_.get();
    require_committed(end.entry);
    return end.at;
  }

  /// What was exchanged since the start, and committed.
  std::size_t exchanges() {
    std::promise<std::vector<history_entry>> all;
    running_.history([&](std::vector<history_entry> list) { all.set_value(std::move(list)); });
    const auto list = all.get_future().get();
    const auto committed = std::count_if(list.begin(), list.end(), [](const history_entry& e) {
      return e.outcome == transition_outcome::committed;
    });
    return static_cast<std::size_t>(committed) - 1;
  }

private:
  struct ended {
    history_entry entry;
    std::uint64_t at = 0;
  };

  static service_options options(std::size_t workers) {
    service_options o;
    o.workers = workers;
    return o;
  }

  service running_;
  std::future<ended> outcome_;
};

} // namespace instar::bench

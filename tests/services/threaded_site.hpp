#pragma once

#include "actors/graph_file.hpp"
#include "apps/clients/crowd.hpp"
#include "apps/instard/listening.hpp"
#include "lifecycle/service.hpp"
#include "services/memcache/table.hpp"
#include "services/net/reactor.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace instar::test {

using namespace std::chrono_literals;

/// A service whose operators block, from the real modules, in this process.
class threaded_site {
public:
  /// `arcs` and `operators` as in a graph file.
  threaded_site(std::string arcs, std::string operators) {
    service_.offer(net::reactor::resource_name, &sockets_);
    service_.offer(memcache::tables::resource_name, &tables_);
    const auto outcome = apply(std::move(arcs), std::move(operators));
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    const auto at = instard::listening_addresses();
    REQUIRE_FALSE(at.empty());
    port_ = static_cast<std::uint16_t>(std::stoul(at[0].substr(at[0].rfind(':') + 1)));
  }

  std::uint16_t port() const { return port_; }

  history_entry apply(std::string arcs, std::string operators) {
    auto file =
        parse_graph("[graph]\nname = 'tested'\nmodules = ['" INSTAR_TEST_MODULES "']\narcs = [" +
                        std::move(arcs) + "]\n[operators]\n" + std::move(operators),
                    std::filesystem::temp_directory_path() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    std::promise<history_entry> done;
    service_.apply({std::move(file.content), "test", 10s},
                   [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  history_entry update(std::vector<operator_update> what) {
    std::promise<history_entry> done;
    service_.update(std::move(what), "test", 10s,
                    [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  /// In good order: no operator is cut off.
  history_entry stop() {
    std::promise<history_entry> done;
    service_.stop("test", 10s, [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }

private:
  service_options options() {
    service_options o;
    o.events = &sockets_;
    o.workers = 2;
    return o;
  }

  net::reactor sockets_;
  memcache::tables tables_;
  service service_{options()};
  std::uint16_t port_ = 0;
};

/// One operator of a service, and its type's name.
struct place_and_type {
  std::string name, type;
};

/// Updates the operators to and fro between versions 1 and 2, each alone in turn, and every third
/// time all at once, with `asked` answers at least between two updates. All have version 1 at
/// first.
inline void update_to_and_fro(threaded_site& s, clients::crowd& load,
                              const std::vector<place_and_type>& of, int times,
                              std::uint64_t asked = 5) {
  std::vector<std::uint32_t> runs(of.size(), 1);
  for (int i = 0; i < times; ++i) {
    const auto turn = static_cast<std::size_t>(i) % (of.size() + 1);
    std::vector<operator_update> wanted;
    for (std::size_t k = 0; k < of.size(); ++k)
      if (turn == of.size() || turn == k) {
        runs[k] = 3 - runs[k];
        wanted.push_back({of[k].name, of[k].type, runs[k]});
      }
    const auto done = s.update(wanted);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = load.seen();
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (load.seen().answers < before.answers + asked) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      std::this_thread::sleep_for(1ms);
    }
  }
}

/// What the clients have seen: nothing of all that.
inline void check_unnoticed(clients::crowd& load) {
  const auto seen = load.stop();
  CHECK(seen.answers > 0);
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
}

} // namespace instar::test

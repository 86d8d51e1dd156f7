#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::test {

/// A service of one operator named `it`, from the real modules, whose object threads call.
class live_calls {
public:
  explicit live_calls(const std::string& type, const std::string& settings = {}) {
    auto file = parse_graph("[graph]\nname = 'calls'\nmodules = ['" INSTAR_TEST_MODULES
                            "']\n[operators]\nit = { type = '" +
                                type + "'" + settings + " }\n",
                            std::filesystem::temp_directory_path() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    std::promise<history_entry> done;
    service_.apply({std::move(file.content), "test", std::chrono::seconds(10)},
                   [&](history_entry e) { done.set_value(std::move(e)); });
    const auto outcome = done.get_future().get();
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
  }

  /// A handle or reader of it, when it serves.
  template <class Handle>
  Handle handle_of(std::string_view port = "it") {
    Handle made(calls(), port);
    REQUIRE(made.await(std::chrono::seconds(10)));
    return made;
  }

  history_entry update(const std::string& type,
                       std::chrono::nanoseconds deadline = std::chrono::seconds(10)) {
    std::promise<history_entry> done;
    service_.update({{"it", type, 1}}, "test", deadline,
                    [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }

  call_ports& calls() { return service_.calls(); }

private:
  service service_{service_options{}};
};

} // namespace instar::test

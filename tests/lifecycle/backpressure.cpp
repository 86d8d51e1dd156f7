#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"
#include "sanitizers.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <future>
#include <thread>

using namespace instar;

namespace {

/// A packet that weighs something.
struct block : payload {
  static constexpr std::string_view payload_name = "test.block";
  std::string_view type_name() const noexcept override { return payload_name; }
  std::vector<char> bytes = std::vector<char>(4096, 'x');
};

std::atomic<std::uint64_t> consumed{0};
std::atomic<std::uint64_t> produced{0};

/// Emits for ever, as fast as it may.
class spring : public operator_base {
public:
  static constexpr out_port<block> out{0, "out"};
  static constexpr operator_type type{.name = "test.spring", .version = 1, .outputs = {out}};

  void on_start(context& ctx) override { ctx.events()->post(event{}); }
  void on_events(context& ctx, std::span<event>) override {
    for (int i = 0; i < 8; ++i) ctx.emit(out, make_payload<block>());
    produced += 8;
    ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

/// Takes 100 times as long for a packet as the spring.
class bog : public operator_base {
public:
  static constexpr in_port<block> in{0, "in"};
  static constexpr operator_type type{.name = "test.bog", .version = 1, .inputs = {in}};

  void on_packet(context&, std::size_t, packet) override {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
    ++consumed;
  }
};

std::size_t resident_pages() {
  std::size_t total = 0, resident = 0;
  FILE* f = std::fopen("/proc/self/statm", "re");
  const int read = std::fscanf(f, "%zu %zu", &total, &resident);
  std::fclose(f);
  return read == 2 ? resident : 0;
}

} // namespace

TEST_CASE("memory stays bounded when the consumer is 100 times slower than the producer") {
  auto library = std::make_shared<host_library>();
  library->add<spring>();
  library->add<bog>();
  service_options options;
  options.workers = 2;
  options.operators = library;
  service s(options);

  graph g;
  g.name = "backpressure";
  g.operators.resize(2);
  g.operators[0].name = "spring";
  g.operators[0].type = "test.spring";
  g.operators[1].name = "bog";
  g.operators[1].type = "test.bog";
  for (auto& op : g.operators) op.version = 1;
  arc_node a;
  a.from = "spring";
  a.to = "bog";
  a.capacity = 256;
  g.arcs.push_back(a);

  std::promise<history_entry> started;
  s.apply({g, "test", {}}, [&](history_entry e) { started.set_value(std::move(e)); });
  const auto outcome = started.get_future().get();
  REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);

  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto early = resident_pages();
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  const auto late = resident_pages();
  CHECK(consumed > 1000);
  CHECK(produced - consumed <= 256 + 16); // the arc's credit, and one event's emission
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t allowed = (test::address_sanitizer ? 300u : 4u) << 20;
  CHECK_MESSAGE((late > early ? late - early : 0) * page < allowed,
                "resident: " << early * page << " then " << late * page);

  std::promise<history_entry> stopped;
  s.stop("test", std::chrono::seconds(5),
         [&](history_entry e) { stopped.set_value(std::move(e)); });
  CHECK(stopped.get_future().get().outcome == transition_outcome::committed);
  CHECK(produced == consumed);
}

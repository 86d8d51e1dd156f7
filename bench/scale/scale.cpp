// How the time of a transition grows with the graph, and what the region of its markers saves.

#include "bench/driver.hpp"

#include "actors/operator.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <chrono>

using namespace instar;
using namespace instar::bench;

namespace {

struct grain : payload {
  static constexpr std::string_view payload_name = "bench.grain";
  std::string_view type_name() const noexcept override { return payload_name; }
};

constexpr out_port<grain> out{0, "out"};
constexpr in_port<grain> in{0, "in"};

/// Emits for ever if `busy`, else never. One that `splits` makes the markers start at itself, as
/// they would without a region.
template <bool busy, bool splits>
class source : public operator_base {
public:
  static constexpr operator_type type{.name = splits ? "bench.whole"
                                              : busy ? "bench.busy"
                                                     : "bench.idle",
                                      .outputs = {out},
                                      .splits = splits};

  void on_start(context& ctx) override {
    if (busy) ctx.events()->post(event{});
  }
  void on_events(context& ctx, std::span<event>) override {
    for (int i = 0; i < 16; ++i) ctx.emit(out, make_payload<grain>());
    ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

template <std::uint32_t number>
class stage : public operator_base {
public:
  static constexpr operator_type type{
      .name = "bench.stage", .version = number, .inputs = {in}, .outputs = {out}};
  void on_packet(context& ctx, std::size_t, packet p) override {
    ctx.emit_packet(out.index, std::move(p));
  }
};

class sink : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.sink", .inputs = {in}};
  void on_packet(context&, std::size_t, packet) override {}
};

graph line(const std::string& source, std::size_t operators, std::size_t capacity) {
  std::vector<std::string> types(operators, "bench.stage");
  types.front() = source;
  types.back() = "bench.sink";
  return pipeline(types, capacity);
}

/// A service that runs `content`.
struct running {
  explicit running(graph content) : service_(options()) {
    require_committed(apply(service_, std::move(content)));
  }
  static service_options options() {
    auto library = std::make_shared<host_library>();
    library->add<source<false, false>>();
    library->add<source<true, false>>();
    library->add<source<true, true>>();
    library->add<stage<1>>();
    library->add<stage<2>>();
    library->add<sink>();
    service_options o;
    o.operators = library;
    return o;
  }
  service service_;
};

double ms(std::chrono::nanoseconds t) { return static_cast<double>(t.count()) / 1e6; }

/// From the request to the outcome. With `steps`, the time of each is a sample of that name.
double timed_update(service& on, std::vector<operator_update> what, const std::string& steps = {}) {
  const auto begin = std::chrono::steady_clock::now();
  const auto entry = update(on, std::move(what));
  const auto took = ms(std::chrono::steady_clock::now() - begin);
  require_committed(entry);
  if (!steps.empty())
    for (const auto& step : entry.steps) sample(steps + step.step + "_ms", ms(step.took));
  return took;
}

std::vector<operator_update> all_stages(std::size_t operators, std::uint32_t version) {
  std::vector<operator_update> what;
  for (std::size_t i = 1; i + 1 < operators; ++i)
    what.push_back({"n" + std::to_string(i), "bench.stage", version});
  return what;
}

void measure_size(std::size_t operators, int repetitions) {
  running small(line("bench.idle", 6, 64)), large(line("bench.idle", operators, 64));
  const auto middle = "n" + std::to_string(operators / 2);
  const auto n = std::to_string(operators);
  timed_update(small.service_, {{"n3", "bench.stage", 2}});
  timed_update(large.service_, {{middle, "bench.stage", 2}});
  for (int i = 0; i < repetitions; ++i) {
    const auto version = static_cast<std::uint32_t>(i % 2 + 1);
    const auto of_few = timed_update(small.service_, {{"n3", "bench.stage", version}});
    const auto of_many = timed_update(large.service_, {{middle, "bench.stage", version}});
    sample("one_of_6_ms", of_few);
    sample("one_of_" + n + "_ms", of_many);
    sample("one_of_" + n + "_vs_one_of_6_ratio", of_many / of_few);
  }
  for (int i = 0; i < repetitions; ++i)
    sample("all_" + n + "_atomic_ms",
           timed_update(large.service_,
                        all_stages(operators, static_cast<std::uint32_t>((i + 1) % 2 + 1)),
                        "all_" + n + "_"));
}

/// From the first marker to the commit of an operator at the end of a busy pipeline.
double mark_to_commit(service& on, const std::string& name, std::uint32_t version) {
  const auto entry = update(on, {{name, "bench.stage", version}});
  require_committed(entry);
  return ms(entry.mark_to_commit);
}

void measure_region(std::size_t operators, int repetitions) {
  running region(line("bench.busy", operators, 64)), whole(line("bench.whole", operators, 64));
  const auto last = "n" + std::to_string(operators - 2);
  for (int i = 0; i < repetitions; ++i) {
    const auto version = static_cast<std::uint32_t>((i + 1) % 2 + 1);
    const auto with = mark_to_commit(region.service_, last, version);
    const auto without = mark_to_commit(whole.service_, last, version);
    sample("region_mark_to_commit_ms", with);
    sample("whole_graph_mark_to_commit_ms", without);
    sample("region_vs_whole_graph_ratio", with / without);
  }
}

} // namespace

int main(int argc, char** argv) {
  int repetitions = 7;
  std::size_t operators = 10'000, piped = 1'000;
  CLI::App app("Transitions of small and large graphs; prints 'figure value' per sample");
  app.add_option("--repetitions", repetitions)->check(CLI::Range(1, 1000));
  app.add_option("--operators", operators, "Of the large graph")->check(CLI::Range(6, 1'000'000));
  app.add_option("--pipeline", piped, "Operators of the busy one")->check(CLI::Range(6, 100'000));
  CLI11_PARSE(app, argc, argv);
  try {
    spdlog::set_level(spdlog::level::err);
    std::cout.precision(8);
    measure_size(operators, repetitions);
    measure_region(piped, repetitions);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-scale: " << error.what() << "\n";
    return 1;
  }
}

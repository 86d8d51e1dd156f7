#include "meter.hpp"

#include "actors/operator.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"

#include <future>
#include <stdexcept>

namespace instar::bench {

namespace {

/// Lets the sink ask the source for the next packet.
struct round_trip {
  static constexpr std::string_view resource_name = "bench.round_trip";
  std::shared_ptr<inlet> source;
};

class source : public operator_base {
public:
  static constexpr out_port<number> out{0, "out"};
  static constexpr operator_type type{.name = "bench.source", .outputs = {out}};

  void on_start(context& ctx) override {
    const auto& result = ctx.host<meter>();
    asked_ = result.asked();
    last_ = result.packets_in_all();
    ctx.host<round_trip>().source = ctx.events();
    ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
  void on_events(context& ctx, std::span<event>) override {
    if (asked_ == question::latency)
      return ctx.emit(out, make_payload<number>(++emitted_), meter::now());
    for (int i = 0; i < per_call && emitted_ < last_; ++i) {
      ++emitted_;
      ctx.emit(out, make_payload<number>(emitted_), emitted_);
    }
    if (emitted_ < last_) ctx.events()->post(event{});
  }

private:
  static constexpr int per_call = 256;
  question asked_ = question::throughput;
  std::uint64_t emitted_ = 0, last_ = 0;
};

class stage : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr out_port<number> out{0, "out"};
  static constexpr operator_type type{.name = "bench.stage", .inputs = {in}, .outputs = {out}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    ctx.emit_packet(out.index, std::move(p));
  }
};

class sink : public operator_base {
public:
  static constexpr in_port<number> in{0, "in"};
  static constexpr operator_type type{.name = "bench.sink", .inputs = {in}};

  void on_start(context& ctx) override {
    meter_ = &ctx.host<meter>();
    back_ = &ctx.host<round_trip>();
  }
  void on_packet(context&, std::size_t, packet p) override {
    if (meter_->finished()) return;
    meter_->count(p.key);
    if (meter_->asked() == question::latency && !meter_->finished()) back_->source->post(event{});
  }

private:
  meter* meter_ = nullptr;
  round_trip* back_ = nullptr;
};

graph six_operators() {
  graph g;
  g.name = "pipeline";
  auto add = [&](std::string name, std::string type) {
    operator_node node;
    node.name = std::move(name);
    node.type = std::move(type);
    node.version = 1;
    if (!g.operators.empty())
      g.arcs.push_back({g.operators.back().name, "", node.name, "", default_arc_capacity, 0});
    g.operators.push_back(std::move(node));
  };
  add("source", "bench.source");
  for (auto name : {"one", "two", "three", "four"}) add(name, "bench.stage");
  add("sink", "bench.sink");
  return g;
}

} // namespace

double measure_instar(question asked, std::uint64_t packets, std::size_t workers) {
  meter result(asked, packets);
  round_trip back;
  auto library = std::make_shared<host_library>();
  library->add<source>();
  library->add<stage>();
  library->add<sink>();
  service_options options;
  options.operators = library;
  options.workers = workers;
  service running(options);
  running.offer(meter::resource_name, &result);
  running.offer(round_trip::resource_name, &back);
  std::promise<history_entry> applied;
  running.apply({six_operators(), "bench", {}},
                [&](history_entry entry) { applied.set_value(std::move(entry)); });
  auto entry = applied.get_future().get();
  if (entry.outcome != transition_outcome::committed)
    throw std::runtime_error("the pipeline did not start: " + entry.reason);
  return result.wait();
}

} // namespace instar::bench

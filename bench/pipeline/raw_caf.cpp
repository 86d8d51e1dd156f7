#include "meter.hpp"

#include "actors/local_scheduler.hpp"

#include <caf/all.hpp>

#include <string>

namespace instar::bench {

/// One packet: one message with one element, as the service's packets have payload and key.
struct raw_packet {
  payload_ptr<number> body;
  std::uint64_t key = 0;
};

} // namespace instar::bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(instar::bench::raw_packet)

namespace instar::bench {

namespace {

using go_atom = caf::atom_constant<caf::atom("go")>;
using credit_atom = caf::atom_constant<caf::atom("credit")>;

/// The service bounds its arcs by 1,024 packets: without a bound the source would fill the memory.
constexpr std::uint64_t window = 1024, returned_at_once = 512;

class raw_source : public caf::event_based_actor {
public:
  raw_source(caf::actor_config& config, caf::actor next, const meter& result)
      : event_based_actor(config), next_(std::move(next)), asked_(result.asked()),
        last_(result.packets_in_all()) {}

  caf::behavior make_behavior() override {
    return {[this](go_atom) { start(); },
            [this](credit_atom) {
              credit_ += returned_at_once;
              pump();
            }};
  }

private:
  void start() {
    if (asked_ == question::throughput) return pump();
    send(next_, raw_packet{make_payload<number>(++emitted_), meter::now()});
  }
  void pump() {
    for (; credit_ > 0 && emitted_ < last_; --credit_) {
      ++emitted_;
      send(next_, raw_packet{make_payload<number>(emitted_), emitted_});
    }
  }

  caf::actor next_;
  const question asked_;
  const std::uint64_t last_;
  std::uint64_t credit_ = window, emitted_ = 0;
};

class raw_stage : public caf::event_based_actor {
public:
  raw_stage(caf::actor_config& config, caf::actor next)
      : event_based_actor(config), next_(std::move(next)) {}

  caf::behavior make_behavior() override {
    return {[this](raw_packet& p) { send(next_, std::move(p)); }};
  }

private:
  caf::actor next_;
};

class raw_sink : public caf::event_based_actor {
public:
  raw_sink(caf::actor_config& config, meter& result) : event_based_actor(config), result_(result) {}

  caf::behavior make_behavior() override {
    return {[this](const caf::actor& source) { source_ = source; },
            [this](const raw_packet& p) { take(p); }};
  }

private:
  void take(const raw_packet& p) {
    result_.count(p.key);
    if (result_.finished()) return quit();
    if (result_.asked() == question::latency) send(source_, go_atom::value);
    else if (++taken_ % returned_at_once == 0) send(source_, credit_atom::value);
  }
  void on_exit() override { source_ = {}; }

  meter& result_;
  caf::actor source_;
  std::uint64_t taken_ = 0;
};

struct raw_config : caf::actor_system_config {
  explicit raw_config(raw_setup how) {
    if (how.policy == "local") load<local_scheduler>();
    else set("scheduler.policy", caf::atom_from_string(std::string(how.policy)));
    set("scheduler.max-threads", how.workers);
  }
};

} // namespace

double measure_raw_caf(raw_setup how, question asked, std::uint64_t packets) {
  meter result(asked, packets);
  raw_config config(how);
  caf::actor_system system(config);
  auto sink = system.spawn<raw_sink>(std::ref(result));
  std::vector<caf::actor> all{sink};
  for (int i = 0; i < 4; ++i) all.push_back(system.spawn<raw_stage>(all.back()));
  all.push_back(system.spawn<raw_source>(all.back(), std::cref(result)));
  caf::anon_send(sink, all.back());
  caf::anon_send(all.back(), go_atom::value);
  auto figure = result.wait();
  for (const auto& actor : all) caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  return figure;
}

} // namespace instar::bench

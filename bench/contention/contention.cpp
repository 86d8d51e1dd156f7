// Many clients that ask for transitions as fast as they can, while packets flow. Counts what must
// not happen: packets lost, one packet that meets two versions of an atomic set, requests without
// an outcome.

#include "bench/driver.hpp"

#include "actors/operator.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <random>
#include <thread>

using namespace instar;
using namespace instar::bench;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t sets = 8; // each of two stages that change together

struct parcel : payload {
  static constexpr std::string_view payload_name = "bench.parcel";
  explicit parcel(std::uint64_t n) : number(n) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t number;
  std::array<std::uint8_t, 2 * sets> versions{}; ///< of each stage that it has met
};

constexpr out_port<parcel> out{0, "out"};
constexpr in_port<parcel> in{0, "in"};

/// What the ends of the pipeline have seen.
struct tally {
  static constexpr std::string_view resource_name = "bench.tally";
  std::atomic<bool> enough = false;
  std::atomic<std::uint64_t> sent = 0, received = 0, lost = 0, mixed = 0;
};

class source : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.source", .outputs = {out}};
  void on_start(context& ctx) override { ctx.events()->post(event{}); }
  void on_events(context& ctx, std::span<event>) override {
    auto& seen = ctx.host<tally>();
    if (seen.enough) return;
    for (int i = 0; i < 16; ++i) ctx.emit(out, make_payload<parcel>(seen.sent++));
    ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

constexpr setting_type place_setting{
    .name = "place", .kind = setting_kind::integer, .required = true};

template <std::uint32_t number>
class stage : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.stage",
                                      .version = number,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .settings = {place_setting}};
  explicit stage(const settings& values)
      : place_(static_cast<std::size_t>(values.integer("place"))) {}
  void on_packet(context& ctx, std::size_t, packet p) override {
    p.as<parcel>().versions.at(place_) = number;
    ctx.emit_packet(out.index, std::move(p));
  }

private:
  std::size_t place_;
};

class sink : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.sink", .inputs = {in}};
  void on_start(context& ctx) override { seen_ = &ctx.host<tally>(); }
  void on_packet(context&, std::size_t, packet p) override {
    const auto& got = p.as<parcel>();
    if (got.number != seen_->received) ++seen_->lost; // or duplicated, or out of order
    seen_->received = got.number + 1;
    for (std::size_t s = 0; s < sets; ++s)
      if (got.versions[2 * s] != got.versions[2 * s + 1]) {
        ++seen_->mixed;
        break;
      }
  }

private:
  tally* seen_ = nullptr;
};

graph make_graph() {
  std::vector<std::string> types(2 * sets + 2, "bench.stage");
  types.front() = "bench.source";
  types.back() = "bench.sink";
  auto g = pipeline(types, 256);
  for (std::size_t i = 1; i <= 2 * sets; ++i)
    g.operators[i].values.set("place", setting_value(static_cast<std::int64_t>(i - 1)));
  return g;
}

/// The stages of set `s` are not neighbours: half the pipeline lies between them.
std::vector<operator_update> change_of(std::size_t s, std::uint32_t version) {
  return {{"n" + std::to_string(2 * s + 1), "bench.stage", version},
          {"n" + std::to_string(2 * s + 2), "bench.stage", version}};
}

struct counts {
  std::atomic<std::uint64_t> asked = 0, answered = 0, committed = 0, unchanged = 0, refused = 0,
                             rolled_back = 0;
  void add(transition_outcome outcome) {
    ++answered;
    switch (outcome) {
    case transition_outcome::committed:
      ++committed;
      break;
    case transition_outcome::unchanged:
      ++unchanged;
      break;
    case transition_outcome::refused:
      ++refused;
      break;
    case transition_outcome::rolled_back:
      ++rolled_back;
      break;
    }
  }
};

/// Asks without waiting for the outcome as long as fewer than `ahead` of its requests are open.
void client(service& on, counts& seen, std::uint64_t seed, std::chrono::seconds time) {
  constexpr std::uint64_t ahead = 4;
  std::mt19937_64 random(seed);
  const auto open = std::make_shared<std::atomic<std::uint64_t>>(0);
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (*open >= ahead) {
      std::this_thread::sleep_for(50us);
      continue;
    }
    ++*open;
    ++seen.asked;
    on.update(change_of(random() % sets, static_cast<std::uint32_t>(random() % 2 + 1)), "bench", 5s,
              [&seen, open](const history_entry& entry) {
                seen.add(entry.outcome);
                --*open;
              });
  }
  for (int tries = 0; tries < 1000 && *open > 0; ++tries) std::this_thread::sleep_for(10ms);
}

} // namespace

int main(int argc, char** argv) {
  int seconds = 10, clients = 8;
  CLI::App app("Clients that ask for transitions under load; prints 'figure value' lines");
  app.add_option("--seconds", seconds)->check(CLI::Range(1, 3600));
  app.add_option("--clients", clients)->check(CLI::Range(1, 64));
  CLI11_PARSE(app, argc, argv);
  try {
    spdlog::set_level(spdlog::level::err);
    std::cout.precision(8);
    tally seen;
    counts answers;
    auto library = std::make_shared<host_library>();
    library->add<source>();
    library->add<stage<1>>();
    library->add<stage<2>>();
    library->add<sink>();
    service_options options;
    options.operators = library;
    service running(options);
    running.offer(tally::resource_name, &seen);
    require_committed(apply(running, make_graph()));
    std::vector<std::thread> all;
    for (int i = 0; i < clients; ++i)
      all.emplace_back(client, std::ref(running), std::ref(answers), static_cast<std::uint64_t>(i),
                       std::chrono::seconds(seconds));
    for (auto& one : all) one.join();
    seen.enough = true;
    for (int tries = 0; tries < 1000 && seen.received < seen.sent; ++tries)
      std::this_thread::sleep_for(10ms);
    sample("lost_packets", static_cast<double>(seen.lost + seen.sent - seen.received));
    sample("mixed_versions", static_cast<double>(seen.mixed));
    sample("hung", static_cast<double>(answers.asked - answers.answered));
    sample("transitions_per_s", static_cast<double>(answers.committed) / seconds);
    sample("asked", static_cast<double>(answers.asked));
    sample("committed", static_cast<double>(answers.committed));
    sample("unchanged", static_cast<double>(answers.unchanged));
    sample("refused", static_cast<double>(answers.refused));
    sample("rolled_back", static_cast<double>(answers.rolled_back));
    sample("packets_per_s", static_cast<double>(seen.received) / seconds);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-contention: " << error.what() << "\n";
    return 1;
  }
}

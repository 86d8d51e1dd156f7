#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <set>

using namespace instar;

namespace {

/// A number, the rounds it still has to take, and the versions of loop members that it has met.
struct traveller : payload {
  static constexpr std::string_view payload_name = "test.traveller";
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t number = 0;
  std::uint32_t rounds = 0;
  std::uint32_t met = 0; // bit by version
};

/// What the operators of the test count; items of two sources.
struct tally {
  static constexpr std::string_view resource_name = "test.tally";
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> emitted{0}, arrived{0}, mixed{0}, sum_out{0}, sum_in{0};
};

class spring : public operator_base {
public:
  static constexpr out_port<traveller> out{0, "out"};
  static constexpr operator_type type{.name = "test.spring", .version = 1, .outputs = {out}};

  void on_start(context& ctx) override { ctx.events()->post(event{}); }
  void on_events(context& ctx, std::span<event>) override {
    auto& t = ctx.host<tally>();
    for (int i = 0; i < 20 && !t.stop; ++i) {
      auto one = make_payload<traveller>();
      one->number = ++t.emitted;
      one->rounds = static_cast<std::uint32_t>(one->number % 5);
      t.sum_out += one->number;
      ctx.emit(out, std::move(one));
    }
    if (!t.stop) ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

template <std::uint32_t Version>
class pass : public operator_base {
public:
  static constexpr in_port<traveller> in{0, "in"};
  static constexpr out_port<traveller> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.pass", .version = Version, .inputs = {in}, .outputs = {out}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    p.as<traveller>().met |= 1u << Version;
    ctx.emit_packet(out.index, std::move(p));
  }
};

template <std::uint32_t Version>
class turn : public operator_base {
public:
  static constexpr in_port<traveller> in{0, "in"};
  static constexpr out_port<traveller> out{0, "out"}, again{1, "again"};
  static constexpr operator_type type{
      .name = "test.turn", .version = Version, .inputs = {in}, .outputs = {out, again}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    auto& one = p.as<traveller>();
    one.met |= 1u << Version;
    if (one.rounds == 0) return ctx.emit_packet(out.index, std::move(p));
    --one.rounds;
    ctx.emit_packet(again.index, std::move(p));
  }
};

class pool : public operator_base {
public:
  static constexpr in_port<traveller> in{0, "in"};
  static constexpr operator_type type{.name = "test.pool", .version = 1, .inputs = {in}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    auto& t = ctx.host<tally>();
    ++t.arrived;
    t.sum_in += p.as<traveller>().number;
    t.mixed += p.as<traveller>().met == 0b110;
  }
};

arc_node between(std::string from, std::string port, std::string to, std::size_t capacity,
                 feedback_policy feedback = feedback_policy::none) {
  return {std::move(from), std::move(port), std::move(to), "in", capacity, 0, feedback};
}

graph loop_graph(std::size_t capacity, feedback_policy feedback) {
  graph g;
  g.name = "cycles";
  for (const auto& [name, type] :
       std::initializer_list<std::pair<const char*, const char*>>{{"spring", "test.spring"},
                                                                  {"side", "test.spring"},
                                                                  {"head", "test.pass"},
                                                                  {"mid", "test.pass"},
                                                                  {"turn", "test.turn"},
                                                                  {"pool", "test.pool"}}) {
    operator_node op;
    op.name = name;
    op.type = type;
    op.version = 1;
    g.operators.push_back(std::move(op));
  }
  g.arcs = {between("spring", "out", "head", capacity),
            between("head", "out", "mid", capacity),
            between("side", "out", "mid", capacity),
            between("mid", "out", "turn", capacity),
            between("turn", "out", "pool", capacity),
            between("turn", "again", "head", capacity, feedback)};
  return g;
}

/// A service under load whose whole loop is replaced `times` times.
void update_under_load(std::size_t capacity, feedback_policy feedback, int times) {
  auto library = std::make_shared<host_library>();
  library->add<spring>();
  library->add<pass<1>>();
  library->add<pass<2>>();
  library->add<turn<1>>();
  library->add<turn<2>>();
  library->add<pool>();
  service_options options;
  options.workers = 3;
  options.operators = library;
  tally counts;
  service s(options);
  s.offer(tally::resource_name, &counts);
  const auto outcome_of = [](auto&& ask) {
    std::promise<history_entry> done;
    ask([&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  };
  const auto started = outcome_of([&](auto done) {
    s.apply({loop_graph(capacity, feedback), "test", {}}, done);
  });
  REQUIRE_MESSAGE(started.outcome == transition_outcome::committed, started.reason);
  for (int i = 0; i < times; ++i) {
    const std::uint32_t version = i % 2 == 0 ? 2 : 1;
    const auto updated = outcome_of([&](auto done) {
      s.update({{"head", "test.pass", version},
                {"mid", "test.pass", version},
                {"turn", "test.turn", version}},
               "test", std::chrono::seconds(60), done);
    });
    REQUIRE_MESSAGE(updated.outcome == transition_outcome::committed, updated.reason);
  }
  counts.stop = true;
  const auto stopped =
      outcome_of([&](auto done) { s.stop("test", std::chrono::seconds(60), done); });
  CHECK(stopped.outcome == transition_outcome::committed);
  CHECK(stopped.reason == "");
  CHECK(counts.emitted > 100);
  CHECK(counts.arrived == counts.emitted);
  CHECK(counts.sum_in == counts.sum_out);
  if (feedback == feedback_policy::drain) CHECK(counts.mixed == 0);
}

} // namespace

TEST_CASE(
    "on several threads no packet in a loop is lost, and none meets two versions if drained") {
  for (const std::size_t capacity : {1, 7, 256})
    for (const auto feedback : {feedback_policy::drain, feedback_policy::hand_over}) {
      CAPTURE(capacity);
      CAPTURE(std::string(to_string(feedback)));
      update_under_load(capacity, feedback, 100);
    }
}

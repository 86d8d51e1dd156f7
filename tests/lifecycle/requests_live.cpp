#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace instar;

namespace {

struct number : payload {
  static constexpr std::string_view payload_name = "test.number";
  explicit number(std::uint64_t n) : value(n) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t value;
};

/// What became of the requests; they are numbered from 0.
struct tally {
  static constexpr std::string_view resource_name = "test.tally";
  static constexpr std::uint64_t most = std::uint64_t{1} << 22;

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> asked{0}, answered{0}, late{0}, wrong{0};
  std::unique_ptr<std::atomic<std::uint8_t>[]> ends { new std::atomic<std::uint8_t>[most] {} };

  bool patient(std::uint64_t n) const { return n % 50 != 0; } // may not run out of time
};

/// Asks as long as it may, a few at a time, for each event.
template <std::uint32_t Version>
class caller : public operator_base {
public:
  static constexpr request_port<number, number> asks{{Version - 1, "ask"}, {0, "told"}};
  static constexpr out_port<number> spare{2 - Version, "spare"};
  static constexpr operator_type type{.name = "test.caller",
                                      .version = Version,
                                      .inputs = {asks.told},
                                      .outputs = Version == 1
                                                     ? fixed_list<port_type, 16>{asks.ask, spare}
                                                     : fixed_list<port_type, 16>{spare, asks.ask}};

  void on_start(context& ctx) override { ctx.events()->post(event{}); }
  void on_events(context& ctx, std::span<event>) override {
    auto& t = ctx.host<tally>();
    for (int i = 0; i < 20 && !t.stop && t.asked < tally::most - 100; ++i) {
      const auto n = t.asked++;
      const std::chrono::nanoseconds deadline =
          t.patient(n) ? std::chrono::nanoseconds(std::chrono::minutes(10))
                       : std::chrono::nanoseconds(n * 977 % 500'000);
      ctx.request(asks, make_payload<number>(n), deadline, n);
    }
    if (!t.stop) ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet p) override {
    auto& t = ctx.host<tally>();
    ++t.ends[token];
    ++t.answered;
    // One that was kept knows only which request it answers.
    const auto said = p.as<number>().value;
    t.wrong += port != asks.ask.index || (said != token && said != p.key);
  }
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override {
    auto& t = ctx.host<tally>();
    ++t.ends[token];
    ++t.late;
    t.wrong += port != asks.ask.index || why != no_answer::deadline || t.patient(token);
  }
};

/// Answers at once, or some by a timer that the successor takes over.
template <std::uint32_t Version>
class server : public operator_base {
public:
  static constexpr answer_port<number, number> serves{{0, "asked"}, {0, "answer"}};
  static constexpr operator_type type{.name = "test.server",
                                      .version = Version,
                                      .inputs = {serves.asked},
                                      .outputs = {serves.answer}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto n = p.as<number>().value;
    if (n % 64 == 0) ctx.set_timer(std::chrono::microseconds(n % 700), p.key);
    else ctx.answer(serves, p.key, p.take<number>());
  }
  void on_timer(context& ctx, std::uint64_t request) override {
    ctx.answer(serves, request, make_payload<number>(request));
  }
};

graph ask_graph(std::size_t capacity, feedback_policy feedback) {
  graph g;
  g.name = "requests";
  for (const auto* name : {"one", "two", "server"}) {
    operator_node op;
    op.name = name;
    op.type = op.name == "server" ? "test.server" : "test.caller";
    op.version = 1;
    g.operators.push_back(std::move(op));
  }
  for (const auto* name : {"one", "two"}) {
    g.arcs.push_back({name, "ask", "server", "asked", capacity, 0, feedback_policy::none});
    g.arcs.push_back({"server", "answer", name, "told", capacity, 0, feedback});
  }
  return g;
}

void update_under_load(std::size_t capacity, feedback_policy feedback, int times) {
  auto library = std::make_shared<host_library>();
  library->add<caller<1>>();
  library->add<caller<2>>();
  library->add<server<1>>();
  library->add<server<2>>();
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
    s.apply({ask_graph(capacity, feedback), "test", {}}, done);
  });
  REQUIRE_MESSAGE(started.outcome == transition_outcome::committed, started.reason);
  std::map<std::string, std::uint32_t> versions{{"one", 1}, {"two", 1}, {"server", 1}};
  const std::vector<std::vector<std::string>> sets{
      {"one"}, {"server"}, {"two"}, {"one", "two", "server"}, {"two", "server"}};
  for (int i = 0; i < times; ++i) {
    std::vector<operator_update> changes;
    for (const auto& name : sets[static_cast<std::size_t>(i) % sets.size()]) {
      auto& version = versions[name];
      version = 3 - version;
      changes.push_back({name, name == "server" ? "test.server" : "test.caller", version});
    }
    const auto updated =
        outcome_of([&](auto done) { s.update(changes, "test", std::chrono::seconds(60), done); });
    REQUIRE_MESSAGE(updated.outcome == transition_outcome::committed, updated.reason);
  }
  counts.stop = true;
  const auto stopped =
      outcome_of([&](auto done) { s.stop("test", std::chrono::seconds(60), done); });
  CHECK(stopped.outcome == transition_outcome::committed);
  CHECK(stopped.reason == "");
  CHECK(counts.asked > 100);
  CHECK(counts.answered + counts.late == counts.asked);
  CHECK(counts.wrong == 0);
  std::uint64_t odd = 0;
  for (std::uint64_t n = 0; n < counts.asked; ++n) odd += counts.ends[n] != 1;
  CHECK(odd == 0);
}

} // namespace

TEST_CASE("on several threads each request has one end, whatever is updated under load") {
  for (const std::size_t capacity : {1, 7, 256})
    for (const auto feedback : {feedback_policy::drain, feedback_policy::hand_over}) {
      CAPTURE(capacity);
      CAPTURE(std::string(to_string(feedback)));
      update_under_load(capacity, feedback, 100);
    }
}

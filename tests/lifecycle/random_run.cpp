#include "random_run.hpp"

#include "protocol_world.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace instar::test {

namespace {

using std::chrono::seconds;

constexpr std::size_t most_messages = 3'000'000;
constexpr seconds deadline{2};
constexpr seconds past_deadline{3};
/// How soon the head of a loop that is emptied looks at it again.
constexpr std::chrono::milliseconds tick{1};
constexpr std::size_t messages_per_tick = 100, most_idle_ticks = 20;

bool has_loops(const random_case& c) {
  const auto closes = [](const edit& e) { return e[0] == "feedback" || e[0] == "policy"; };
  return std::any_of(c.start.arcs.begin(), c.start.arcs.end(),
                     [](const arc_node& a) { return a.feedback != feedback_policy::none; }) ||
         std::any_of(c.transitions.begin(), c.transitions.end(), [&](const random_transition& t) {
           return std::any_of(t.edits.begin(), t.edits.end(), closes);
         });
}

/// One run of a case.
class driver {
public:
  explicit driver(const random_case& c) : case_(c), world_(std::make_unique<world>(c.activation)) {
    auto& w = *world_;
    if (c.schedule != 0) w.shuffle(c.schedule);
    w.plot().total = std::max<std::uint64_t>(c.items, 1);
    w.plot().per_event = std::max<std::uint64_t>(c.per_event, 1);
    w.plot().notes_ways = false;
    w.on_outcome = [this](const history_entry& e) {
      if (armed_) excused_.insert(e.id);
      arm_next();
    };
    for (const auto& t : c.transitions)
      if (!t.goes_wrong.empty() && t.goes_wrong[0] == "kill") kills_ = true;
    has_loops_ = has_loops(c);
    if (kills_) w.watch_runners();
  }

  run_result run() {
    start();
    for (const auto& t : case_.transitions) {
      steps(t.after);
      ask(t);
    }
    if (case_.stop_after > 0) {
      steps(case_.stop_after);
    } else {
      settle();
      note(world_->check(world_->stop_reasons.empty()));
    }
    disarm();
    world_->stop();
    ++orders_;
    settle();
    judge();
    return std::move(result_);
  }

private:
  void note(std::optional<std::string> breach) {
    if (!result_.breach) result_.breach = std::move(breach);
  }

  bool step() {
    if (result_.messages >= most_messages) {
      note("it does not come to rest");
      return false;
    }
    if (!world_->step()) return false;
    ++result_.messages;
    if (has_loops_ && result_.messages % messages_per_tick == 0) world_->advance(tick);
    if (kill_in_ > 0 && --kill_in_ == 0 && victim_ < world_->runners() && world_->alive(victim_))
      world_->kill(victim_);
    return true;
  }

  void steps(std::size_t n) {
    while (n-- > 0 && step()) {
    }
  }

  /// Until nobody has anything to do, nor the heads of loops that are emptied for some time.
  void rest() {
    while (step()) {
    }
    for (std::size_t idle = 0; has_loops_ && !all_have_outcomes() && idle < most_idle_ticks;
         ++idle) {
      world_->advance(tick);
      while (step()) idle = 0;
    }
  }

  bool all_have_outcomes() const { return world_->outcomes().size() >= orders_; }

  /// Runs until nothing is left to do. Where an outcome is missing then, it is the deadline's.
  void settle() {
    rest();
    for (std::size_t tries = 0; !all_have_outcomes() && tries < 2 * orders_ + 2; ++tries) {
      world_->advance(past_deadline);
      rest();
    }
    if (!all_have_outcomes()) note("a transition hangs");
  }

  void start() {
    world_->order(case_.start);
    orders_ = 1;
    while (!all_have_outcomes() && step()) {
    }
    wanted_ = case_.start;
  }

  void ask(const random_transition& t) {
    // With nothing under way the running graph is known; else what was asked for last counts.
    if (all_have_outcomes() && !world_->graphs().empty()) wanted_ = world_->graphs().back().content;
    const auto before = wanted_;
    for (const auto& e : t.edits) apply_edit(wanted_, e);
    ++orders_;
    if (world_->outcomes().size() + 1 == orders_) arm_next();
    result_.under_load += under_load();
    if (!t.update) return world_->order(wanted_, deadline);
    std::vector<operator_update> updates;
    for (const auto& op : wanted_.operators)
      if (const auto* old = before.find(op.name); !old || old->version != op.version)
        updates.push_back({op.name, op.type, op.version});
    world_->order(std::move(updates), deadline);
  }

  bool under_load() {
    const auto& s = world_->plot();
    const auto& running = world_->graphs().back().content.operators;
    return std::any_of(running.begin(), running.end(), [&](const operator_node& op) {
      return is_source(op.type) && s.seen.entries(op.name) < s.total;
    });
  }

  /// Each fault is that of one transition: it waits until that is the first without an outcome.
  void arm_next() {
    disarm();
    std::set<std::uint64_t> ended;
    for (const auto& o : world_->outcomes()) ended.insert(o.id);
    std::uint64_t next = 2; // the first is the start
    while (ended.count(next)) ++next;
    if (next <= orders_ && next - 2 < case_.transitions.size())
      if (const auto& f = case_.transitions[next - 2].goes_wrong; !f.empty()) arm(f);
  }

  /// A fault may strike all that run while it is there.
  void excuse_running() {
    if (!armed_) return;
    for (const auto& t : world_->look().transitions)
      if (t.epoch != 0) excused_.insert(t.id);
  }

  void arm(const fault& f) {
    armed_ = true;
    auto& s = world_->plot();
    const auto number = [&](std::size_t i) {
      return f.size() > i ? static_cast<std::size_t>(std::strtoull(f[i].c_str(), nullptr, 10)) : 0;
    };
    const std::string who = f.size() > 1 ? f[1] : "";
    if (f[0] == "load") s.fails_to_load = "*";
    if (f[0] == "save") s.throws_in_save = who;
    if (f[0] == "restore") s.throws_in_restore = who;
    if (f[0] == "never") s.never_ready = who;
    if (f[0] == "constructor") {
      s.throws_in_constructor = "*";
      s.constructor_throws_after = static_cast<int>(number(1));
    }
    if (f[0] == "slow") s.building = [this](const std::string&) { world_->advance(past_deadline); };
    if (f[0] == "kill") {
      armed_ = false; // says so itself
      victim_ = world_->runners() + number(1);
      kill_in_ = number(2) + 1;
    }
  }

  void disarm() {
    excuse_running();
    armed_ = false;
    auto& s = world_->plot();
    s.fails_to_load = s.throws_in_save = s.throws_in_restore = s.never_ready =
        s.throws_in_constructor = "";
    s.building = nullptr;
  }

  void judge() {
    const auto& outcomes = world_->outcomes();
    result_.lost = !world_->stop_reasons.empty();
    for (std::size_t i = 1; i + 1 < outcomes.size(); ++i) judge(outcomes[i]);
    if (outcomes.back().outcome != transition_outcome::committed ||
        (!result_.lost && !outcomes.back().reason.empty()))
      note("the stop was " + std::string(to_string(outcomes.back().outcome)) + ": " +
           outcomes.back().reason);
    note(world_->check(!result_.lost));
    if (auto left = world_->check_ended()) {
      note(std::move(left));
      (void)world_.release(); // whose end would wait for them
    }
  }

  void judge(const history_entry& o) {
    result_.committed += o.outcome == transition_outcome::committed;
    result_.unchanged += o.outcome == transition_outcome::unchanged;
    result_.refused += o.outcome == transition_outcome::refused;
    result_.rolled_back += o.outcome == transition_outcome::rolled_back;
    if (o.outcome == transition_outcome::committed || o.outcome == transition_outcome::unchanged)
      return;
    const auto says = [&](const char* what) { return o.reason.find(what) != std::string::npos; };
    const bool expected = excused_.count(o.id) || result_.lost || (kills_ && says("has died")) ||
                          says("is not in the running graph");
    if (!expected)
      note("transition " + std::to_string(o.id - 1) + " was " + to_string(o.outcome) + ": " +
           o.reason);
  }

  const random_case& case_;
  std::unique_ptr<world> world_;
  run_result result_;
  graph wanted_;
  std::size_t orders_ = 0;
  std::set<std::uint64_t> excused_; // which may have failed by a fault
  bool armed_ = false;
  bool kills_ = false;
  bool has_loops_ = false;
  std::size_t victim_ = 0, kill_in_ = 0;
};

} // namespace

run_result run_case(const random_case& c) { return driver(c).run(); }

// -- shrink ---------------------------------------------------------------------------------------

namespace {

class shrinker {
public:
  shrinker(random_case failing, std::size_t most_runs)
      : best_(std::move(failing)), runs_left_(most_runs) {}

  random_case run() {
    for (bool better = true; better && runs_left_ > 0;) {
      better = fewer_transitions();
      better |= fewer_edits();
      better |= fewer_operators();
      better |= fewer_arcs();
      better |= smaller();
    }
    return std::move(best_);
  }

private:
  /// Whether it still fails; on another schedule if not on its own.
  bool still_fails(random_case candidate) {
    for (const auto schedule : {candidate.schedule, std::uint64_t{0}, std::uint64_t{1},
                                std::uint64_t{3}, std::uint64_t{5}, std::uint64_t{7}}) {
      if (runs_left_ == 0) return false;
      --runs_left_;
      candidate.schedule = schedule;
      if (!run_case(candidate).breach) continue;
      best_ = std::move(candidate);
      return true;
    }
    return false;
  }

  bool fewer_transitions() {
    bool better = false;
    for (auto i = best_.transitions.size(); i-- > 0;) {
      auto c = best_;
      c.transitions.erase(c.transitions.begin() + static_cast<std::ptrdiff_t>(i));
      better |= still_fails(std::move(c));
    }
    return better;
  }

  bool fewer_edits() {
    bool better = false;
    for (std::size_t t = 0; t < best_.transitions.size(); ++t) {
      for (auto i = best_.transitions[t].edits.size(); i-- > 0;) {
        auto c = best_;
        auto& edits = c.transitions[t].edits;
        edits.erase(edits.begin() + static_cast<std::ptrdiff_t>(i));
        better |= still_fails(std::move(c));
      }
      if (best_.transitions[t].goes_wrong.empty()) continue;
      auto c = best_;
      c.transitions[t].goes_wrong.clear();
      better |= still_fails(std::move(c));
    }
    return better;
  }

  bool with_edit(const edit& e) {
    auto c = best_;
    return apply_edit(c.start, e) && still_fails(std::move(c));
  }

  bool fewer_operators() {
    bool better = false;
    const auto operators = best_.start.operators;
    for (auto op = operators.rbegin(); op != operators.rend(); ++op)
      better |= with_edit({"remove", op->name});
    return better;
  }

  bool fewer_arcs() {
    bool better = false;
    const auto arcs = best_.start.arcs;
    for (const auto& a : arcs) {
      const auto end = a.from + "." + a.from_port;
      better |= with_edit({"disconnect", end, a.to});
      if (a.feedback == feedback_policy::drain)
        better |= with_edit({"policy", end, a.to, "hand_over"});
    }
    return better;
  }

  template <class Number>
  bool less(Number random_case::*what, Number least) {
    bool better = false;
    for (auto now = best_.*what; now > least; now = best_.*what) {
      auto c = best_;
      c.*what = std::max(least, now / 2);
      if (!still_fails(c)) {
        c.*what = now - 1;
        if (!still_fails(std::move(c))) break;
      }
      better = true;
    }
    return better;
  }

  bool smaller() {
    bool better = less<std::uint64_t>(&random_case::items, 1);
    better |= less<std::uint64_t>(&random_case::per_event, 1);
    better |= less<std::size_t>(&random_case::activation, 1);
    better |= less<std::size_t>(&random_case::stop_after, 0);
    return better;
  }

  random_case best_;
  std::size_t runs_left_;
};

} // namespace

random_case shrink(random_case failing, std::size_t most_runs) {
  return shrinker(std::move(failing), most_runs).run();
}

} // namespace instar::test

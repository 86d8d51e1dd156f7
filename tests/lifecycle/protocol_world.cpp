#include "protocol_world.hpp"

#include "actors/replicas.hpp"

#include <caf/actor_registry.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

namespace instar::test {

namespace {

std::string default_type(const std::string& name) {
  if (name.starts_with("source")) return "test.source@1";
  if (name.starts_with("sink")) return "test.sink@1";
  if (name.starts_with("turn")) return "test.turn@1";
  if (name.starts_with("answer")) return "test.answer@1";
  if (name.starts_with("thread")) return "test.thread@1";
  return "test.stage@1";
}

/// One operator of a chain "a -> b.port ~> c".
struct chain_end {
  std::string name, port;
  bool feedback = false; ///< by the arc before it
};

std::vector<chain_end> split(const std::string& chain) {
  std::vector<chain_end> links;
  std::istringstream words(chain);
  bool feedback = false;
  for (std::string word; words >> word;) {
    if (word == "->" || word == "~>") {
      feedback = word == "~>";
      continue;
    }
    const auto dot = std::min(word.find('.'), word.size());
    links.push_back({word.substr(0, dot), dot < word.size() ? word.substr(dot + 1) : "", feedback});
  }
  return links;
}

std::string without_versions(const std::vector<std::string>& met) {
  std::string path;
  for (const auto& m : met) path += m.substr(0, m.find('@')) + " ";
  return path;
}

} // namespace

world::config::config() { set("scheduler.policy", caf::atom("testing")); }

world::world(std::size_t activation_limit, const std::function<void(service_options&)>& tune) {
  options_.activation_limit = activation_limit;
  // Thousands of worlds, each with its transitions: only wanted when one is looked at.
  if (!std::getenv("INSTAR_TEST_LOG")) spdlog::set_level(spdlog::level::off);
  if (tune) tune(options_);
  environment_.pool = &pool_;
  environment_.resources.emplace(std::string(script::resource_name), &script_);
  environment_.resources.emplace(std::string(trace_hub::resource_name), &traces_);
  environment_.resources.emplace(std::string(descriptors::resource_name), &open_);
  system_ = std::make_unique<caf::actor_system>(config_);
  scheduler_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
  supervisor_ = system_->spawn<supervisor>(
      supervisor_setup{&options_, &library_, &environment_,
                       [this](std::string reason) { stop_reasons.push_back(std::move(reason)); }});
  admin_ = system_->spawn<admin_actor>(supervisor_);
}

world::~world() {
  caf::anon_send_exit(admin_, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(supervisor_, caf::exit_reason::user_shutdown);
  admin_ = nullptr;
  supervisor_ = nullptr;
  random_.reset();
  run();
  system_.reset();
}

graph world::make_graph(const std::vector<std::string>& chains,
                        const std::map<std::string, std::string>& types, std::size_t capacity,
                        feedback_policy feedback) {
  graph made;
  made.name = "test";
  std::set<std::string> seen;
  for (const auto& chain : chains) {
    const auto links = split(chain);
    for (const auto& [name, port, back] : links) {
      if (!seen.insert(name).second) continue;
      const auto given = types.find(name);
      const auto type = given == types.end() ? default_type(name) : given->second;
      operator_node op;
      op.name = name;
      op.type = type.substr(0, type.find('@'));
      op.version = static_cast<std::uint32_t>(std::stoul(type.substr(type.find('@') + 1)));
      made.operators.push_back(std::move(op));
    }
    for (std::size_t i = 1; i < links.size(); ++i) {
      arc_node a;
      a.from = links[i - 1].name;
      a.from_port = links[i - 1].port;
      if (a.from_port.empty() && a.from.starts_with("turn")) a.from_port = "out";
      a.to = links[i].name;
      a.capacity = capacity;
      if (links[i].feedback) a.feedback = feedback;
      const auto same = [&](const arc_node& b) { return a.name() == b.name(); };
      if (std::none_of(made.arcs.begin(), made.arcs.end(), same)) made.arcs.push_back(std::move(a));
    }
  }
  return made;
}

void world::order(wanted_graph wanted, std::chrono::nanoseconds deadline,
                  std::shared_ptr<const restore_request> restore) {
  auto o = std::make_shared<transition_order>();
  o->wanted = wanted;
  o->who = "test";
  o->deadline = deadline;
  o->restore = std::move(restore);
  o->done = [this, wanted = std::move(wanted)](history_entry e) {
    note_outcome(wanted, std::move(e));
  };
  o->accepted = [this](std::uint64_t id) { accepted.push_back(id); };
  caf::anon_send(admin_, order_message{std::move(o)});
}

void world::stop() {
  auto o = std::make_shared<transition_order>();
  o->wanted = graph{};
  o->who = "test";
  o->stops = true;
  o->done = [this](history_entry e) { note_outcome(graph{}, std::move(e)); };
  caf::anon_send(admin_, order_message{std::move(o)});
}

void world::note_outcome(const wanted_graph& wanted, history_entry e) {
  outcomes_.push_back(std::move(e));
  const auto& noted = outcomes_.back();
  // What is put on arcs is no part of the graph: it passes on what it gets.
  const bool edited =
      std::holds_alternative<graph_edit>(wanted) || std::holds_alternative<checkpoint_wish>(wanted);
  if (noted.outcome == transition_outcome::committed && !edited) {
    auto what = wanted;
    if (const auto* back = std::get_if<rollback_to>(&wanted)) {
      const auto former = std::find_if(graphs_.rbegin(), graphs_.rend(), [&](const auto& g) {
        return back->epoch ? g.epoch == back->epoch : g.epoch < graphs_.back().epoch;
      });
      what = former != graphs_.rend() ? former->content : graph{};
    }
    committed_.emplace(noted.epoch, std::move(what));
    note_graphs();
  }
  if (on_outcome) on_outcome(noted);
}

/// Those that ran at the same time have changed different parts, in any order: the order of their
/// epochs will do.
void world::note_graphs() {
  graphs_.clear();
  graph now;
  for (const auto& [epoch, wanted] : committed_) {
    if (const auto* whole = std::get_if<graph>(&wanted)) now = *whole;
    else
      for (const auto& update : std::get<std::vector<operator_update>>(wanted))
        for (auto& op : now.operators)
          if (op.name == update.name || op.replica_of == update.name) {
            op.type = update.type;
            op.version = update.version;
          }
    graphs_.push_back({epoch, expand_replicas(now)});
  }
}

void world::cancel(cancel_request which) {
  which.who = "test";
  caf::anon_send(admin_, cancel_message{std::move(which), [this](std::vector<cancel_answer> got) {
                                          answers = std::move(got);
                                        }});
}

service_status world::look() {
  return dynamic_cast<supervisor&>(*caf::actor_cast<caf::abstract_actor*>(supervisor_)).status();
}

bool world::step() {
  if (!scheduler_->has_job()) return false;
  if (random_) {
    auto& jobs = scheduler_->jobs;
    const auto chosen = jobs.begin() + static_cast<std::ptrdiff_t>((*random_)() % jobs.size());
    std::rotate(jobs.begin(), chosen, chosen + 1);
  }
  const bool ran = scheduler_->try_run_once();
  if (watches_) note_runners();
  return ran;
}

void world::run() {
  while (step()) {
  }
}

void world::advance(std::chrono::nanoseconds by) { scheduler_->advance_time(by); }

service_status world::status() {
  service_status got;
  caf::anon_send(admin_, status_message{[&](service_status s) { got = std::move(s); }});
  run();
  return got;
}

std::optional<std::string> world::check(bool complete) const {
  if (!script_.breaches.empty()) return script_.breaches.front();
  if (graphs_.empty()) return std::nullopt;
  if (auto breach = script_.seen.check(graphs_, complete)) return breach;
  if (!complete) return std::nullopt;
  for (const auto& op : graphs_.back().content.operators)
    if (is_source(op.type) && script_.seen.entries(op.name) % script_.total != 0)
      return op.name + " has stopped after " + std::to_string(script_.seen.entries(op.name)) +
             " items";
  return std::nullopt;
}

std::optional<std::string> world::check_ended() const {
  const auto tell = [](std::int64_t n, const char* what) {
    return std::to_string(n) + " " + what + " left alive";
  };
  if (operators_alive() != operators_before_)
    return tell(operators_alive() - operators_before_, "operators");
  if (item::alive != items_before_) return tell(item::alive - items_before_, "items");
  constexpr std::size_t own = 2; // supervisor and admin actor
  if (const auto running = system_->registry().running(); running != own)
    return tell(static_cast<std::int64_t>(running - own), "actors");
  return std::nullopt;
}

void world::watch_runners() {
  watches_ = true;
  note_runners();
}

void world::note_runners() {
  for (auto* job : scheduler_->jobs) {
    auto* made = dynamic_cast<runner*>(job);
    const auto same = [&](const auto& known) { return known.first == made && known.second.lock(); };
    if (!made || std::any_of(runners_.begin(), runners_.end(), same)) continue;
    runners_.emplace_back(made, caf::actor_cast<caf::weak_actor_ptr>(made));
  }
}

bool world::alive(std::size_t index) const {
  const auto held = runners_[index].second.lock();
  return held && !static_cast<caf::monitorable_actor*>(held->get())
                      ->getf(caf::abstract_actor::is_terminated_flag);
}

void world::kill(std::size_t index) {
  if (auto held = runners_[index].second.lock())
    caf::anon_send_exit(caf::actor_cast<caf::actor>(held), caf::exit_reason::kill);
}

std::optional<std::string> check_order(const script& of, const std::string& sink,
                                       std::size_t paths) {
  const auto found = of.sinks.find(sink);
  std::map<std::string, std::uint64_t> next;
  if (found != of.sinks.end())
    for (const auto& r : found->second) {
      auto& expected = next[without_versions(r.met)];
      if (r.number != expected)
        return "sink " + sink + " got " + std::to_string(r.number) + " instead of " +
               std::to_string(expected) + " along " + without_versions(r.met);
      ++expected;
    }
  if (next.size() != paths && of.total > 0)
    return "sink " + sink + " was reached along " + std::to_string(next.size()) + " paths";
  for (const auto& [path, count] : next)
    if (count != of.total)
      return std::to_string(count) + " of " + std::to_string(of.total) + " arrived along " + path;
  return std::nullopt;
}

std::string check_arrived(const script& of, std::size_t sources) {
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> next; // source, rounds -> least
  std::set<std::pair<std::string, std::uint64_t>> seen;
  const auto found = of.sinks.find("sink");
  if (found == of.sinks.end()) return "nothing has arrived";
  for (const auto& r : found->second) {
    const auto source = r.met.front().substr(0, r.met.front().find('@'));
    const auto what = std::to_string(r.number) + " of " + source;
    if (!seen.emplace(source, r.number).second) return what + " has arrived twice";
    auto& least = next[{source, r.number % of.rounds}];
    if (r.number < least) return what + " was overtaken";
    least = r.number + 1;
  }
  if (seen.size() != sources * of.total)
    return std::to_string(seen.size()) + " of " + std::to_string(sources * of.total) + " arrived";
  return "";
}

std::optional<std::string> check_versions(const script& of,
                                          const std::vector<std::string>& atomic) {
  // source and item -> operator -> version
  std::map<std::pair<std::string, std::uint64_t>, std::map<std::string, std::string>> seen;
  for (const auto& [name, items] : of.sinks)
    for (const auto& r : items)
      for (const auto& m : r.met) {
        const auto at = m.find('@');
        const auto source = r.met.front().substr(0, r.met.front().find('@'));
        auto [known, fresh] = seen[{source, r.number}].emplace(m.substr(0, at), m.substr(at + 1));
        if (!fresh && known->second != m.substr(at + 1))
          return "item " + std::to_string(r.number) + " met two versions of " + m.substr(0, at);
      }
  for (const auto& [which, versions] : seen) {
    std::set<std::string> of_set;
    for (const auto& name : atomic)
      if (const auto v = versions.find(name); v != versions.end()) of_set.insert(v->second);
    if (of_set.size() > 1)
      return "item " + std::to_string(which.second) + " met mixed versions of the atomic set";
  }
  return std::nullopt;
}

} // namespace instar::test

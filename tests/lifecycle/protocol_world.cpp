#include "protocol_world.hpp"

#include "protocol_state.capnp.h"

#include <caf/send.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace instar::test {

namespace {

/// Common to the test operators: their place in the script, and the state that they carry.
class counting : public operator_base {
public:
  explicit counting(std::string_view type) : type_(type) {}
  ~counting() override {
    if (script_) --script_->instances;
  }

  void on_start(context& ctx) override { meet(ctx); }

  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    meet(ctx);
    if (script_->never_ready == type_) return "it never is";
    return std::nullopt;
  }

  void save(state_writer& w) const override {
    if (script_->throws_in_save == type_) throw std::runtime_error("told to fail in save");
    w.init<StageState>().setCount(count_);
  }

  void restore(context& ctx, state_reader& r) override {
    meet(ctx);
    if (script_->throws_in_restore == type_) throw std::runtime_error("told to fail in restore");
    count_ = r.root<StageState>().getCount();
    script_->restored[std::string(ctx.name())] = count_;
  }

protected:
  void meet(context& ctx) {
    if (script_) return;
    script_ = &ctx.host<script>();
    ++script_->instances;
  }

  script* script_ = nullptr;
  std::uint64_t count_ = 0;
  std::string type_;
};

template <std::uint32_t Version>
class source : public counting {
public:
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.source",
                                      .version = Version,
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  source() : counting("test.source@" + std::to_string(Version)) {}

  void on_start(context& ctx) override {
    meet(ctx);
    ctx.events()->post(event{});
  }
  void on_events(context& ctx, std::span<event>) override {
    for (std::uint64_t i = 0; i < script_->per_event && count_ < script_->total; ++i) {
      auto next = make_payload<item>(count_++);
      next->met.push_back(std::string(ctx.name()) + "@" + std::to_string(Version));
      const auto key = next->number;
      ctx.emit(out, std::move(next), key);
    }
    if (count_ < script_->total) ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

/// Passes items on. A copy is made only where an arc before it is shared (fan-out).
template <std::uint32_t Version>
class stage : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.stage",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  explicit stage(const settings&) : counting("test.stage@" + std::to_string(Version)) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    if (ctx.name() == script_->throws_on_packet && p.as<item>().number == script_->throws_at)
      throw std::runtime_error("told to fail on a packet");
    auto passed = make_payload<item>(p.as<item>().number);
    passed->met = p.as<item>().met;
    passed->met.push_back(std::string(ctx.name()) + "@" + std::to_string(Version));
    ++count_;
    ctx.emit(out, std::move(passed), p.key);
  }
};

template <std::uint32_t Version>
class sink : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr operator_type type{.name = "test.sink",
                                      .version = Version,
                                      .inputs = {in},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  sink() : counting("test.sink@" + std::to_string(Version)) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    auto met = got.met;
    met.push_back(std::string(ctx.name()) + "@" + std::to_string(Version));
    script_->sinks[std::string(ctx.name())].push_back({got.number, std::move(met)});
    ++count_;
  }
};

std::string default_type(const std::string& name) {
  if (name.starts_with("source")) return "test.source@1";
  if (name.starts_with("sink")) return "test.sink@1";
  return "test.stage@1";
}

/// Operators of a chain "a -> b -> c".
std::vector<std::string> split(const std::string& chain) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at != std::string::npos;) {
    const auto arrow = chain.find(" -> ", at);
    names.push_back(chain.substr(at, arrow == std::string::npos ? arrow : arrow - at));
    at = arrow == std::string::npos ? arrow : arrow + 4;
  }
  return names;
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
  if (tune) tune(options_);
  library_.add<source<1>>();
  library_.add<source<2>>();
  for (std::uint32_t version = 1; version <= 2; ++version) {
    auto add = [&]<class Op>(std::type_identity<Op>) {
      library_.add(instar::describe(Op::type), [this](const settings& values) {
        if (script_.throws_in_constructor ==
            std::string(Op::type.name) + "@" + std::to_string(Op::type.version))
          throw std::runtime_error("told to fail in the constructor");
        return host_factory<Op>()(values);
      });
    };
    if (version == 1) add(std::type_identity<stage<1>>{});
    else add(std::type_identity<stage<2>>{});
  }
  library_.add<sink<1>>();
  library_.add<sink<2>>();
  environment_.pool = &pool_;
  environment_.resources.emplace(std::string(script::resource_name), &script_);
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
                        const std::map<std::string, std::string>& types, std::size_t capacity) {
  graph made;
  made.name = "test";
  std::set<std::string> seen;
  for (const auto& chain : chains) {
    const auto names = split(chain);
    for (const auto& name : names) {
      if (!seen.insert(name).second) continue;
      const auto given = types.find(name);
      const auto type = given == types.end() ? default_type(name) : given->second;
      operator_node op;
      op.name = name;
      op.type = type.substr(0, type.find('@'));
      op.version = static_cast<std::uint32_t>(std::stoul(type.substr(type.find('@') + 1)));
      made.operators.push_back(std::move(op));
    }
    for (std::size_t i = 1; i < names.size(); ++i) {
      arc_node a;
      a.from = names[i - 1];
      a.to = names[i];
      a.capacity = capacity;
      const auto same = [&](const arc_node& b) { return a.from == b.from && a.to == b.to; };
      if (std::none_of(made.arcs.begin(), made.arcs.end(), same)) made.arcs.push_back(std::move(a));
    }
  }
  return made;
}

void world::order(wanted_graph wanted, std::chrono::nanoseconds deadline) {
  auto o = std::make_shared<transition_order>();
  o->wanted = std::move(wanted);
  o->who = "test";
  o->deadline = deadline;
  o->done = [this](history_entry e) { outcomes_.push_back(std::move(e)); };
  o->accepted = [this](std::uint64_t id) { accepted.push_back(id); };
  caf::anon_send(admin_, order_message{std::move(o)});
}

void world::stop() {
  auto o = std::make_shared<transition_order>();
  o->wanted = graph{};
  o->who = "test";
  o->stops = true;
  o->done = [this](history_entry e) { outcomes_.push_back(std::move(e)); };
  caf::anon_send(admin_, order_message{std::move(o)});
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
  return scheduler_->try_run_once();
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

std::optional<std::string> check_versions(const script& of,
                                          const std::vector<std::string>& atomic) {
  std::map<std::uint64_t, std::map<std::string, std::string>> seen; // item -> operator -> version
  for (const auto& [name, items] : of.sinks)
    for (const auto& r : items)
      for (const auto& m : r.met) {
        const auto at = m.find('@');
        auto [known, fresh] = seen[r.number].emplace(m.substr(0, at), m.substr(at + 1));
        if (!fresh && known->second != m.substr(at + 1))
          return "item " + std::to_string(r.number) + " met two versions of " + m.substr(0, at);
      }
  for (const auto& [number, versions] : seen) {
    std::set<std::string> of_set;
    for (const auto& name : atomic)
      if (const auto v = versions.find(name); v != versions.end()) of_set.insert(v->second);
    if (of_set.size() > 1)
      return "item " + std::to_string(number) + " met mixed versions of the atomic set";
  }
  return std::nullopt;
}

} // namespace instar::test

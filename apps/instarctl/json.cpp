#include "apps/instarctl/json.hpp"

#include "lifecycle/plan_text.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <ctime>

namespace instar::instarctl {

using nlohmann::json;

namespace {

double ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

json operator_json(const operator_status& op) {
  json made{{"name", op.name},
            {"type", op.reference},
            {"since_epoch", op.since_epoch},
            {"phase", op.phase},
            {"packets_in", op.packets_in},
            {"packets_out", op.packets_out},
            {"events", op.events},
            {"events_waiting", op.events_waiting},
            {"activations", op.activations},
            {"busy_ms", static_cast<double>(op.busy_ns) / 1e6},
            {"blocked", op.blocked},
            {"errors", op.errors},
            {"restarts", op.restarts},
            {"late_answers", op.late_answers},
            {"entries", op.entries}};
  if (op.replica_of.empty()) return made;
  made["replica_of"] = op.replica_of;
  made["replicas"] = op.replicas;
  if (op.hot_share > 0) {
    made["hot_key"] = op.hot_key;
    made["hot_key_share"] = op.hot_share;
  }
  return made;
}

json steps_json(const std::vector<step_time>& steps) {
  json times = json::object();
  for (const auto& step : steps) times[step.step + "_ms"] = ms(step.took);
  return times;
}

} // namespace

json to_json(const service_status& s) {
  json transitions = json::array();
  for (const auto& t : s.transitions)
    transitions.push_back({{"id", t.id},
                           {"epoch", t.epoch},
                           {"who", t.who},
                           {"what", t.what},
                           {"step", t.step},
                           {"waiting_for", t.waiting_for},
                           {"entries_moved", t.entries_moved},
                           {"entries_total", t.entries_total},
                           {"steps", steps_json(t.steps)}});
  json operators = json::array(), arcs = json::array();
  for (const auto& op : s.operators) operators.push_back(operator_json(op));
  for (const auto& a : s.arcs)
    arcs.push_back({{"name", a.name},
                    {"payload", a.payload},
                    {"capacity", a.capacity},
                    {"queued", a.queued},
                    {"feedback", a.feedback}});
  return {{"name", s.name},
          {"graph_file", s.graph_file},
          {"version", s.version},
          {"pid", s.pid},
          {"epoch", s.epoch},
          {"started", iso_time(s.started)},
          {"phase", s.phase},
          {"transition", s.transition},
          {"queued_transitions", s.queued_transitions},
          {"transitions", std::move(transitions)},
          {"operators", std::move(operators)},
          {"arcs", std::move(arcs)},
          {"modules_loaded", s.modules_loaded},
          {"modules_unloaded", s.modules_unloaded},
          {"modules_stuck", s.modules_stuck},
          {"resident_bytes", s.resident_bytes}};
}

json to_json(const graph& g) {
  json modules = json::array(), operators = json::array(), arcs = json::array();
  for (const auto& place : g.modules) modules.push_back(place.string());
  for (const auto& op : g.operators) {
    json values = json::object();
    for (const auto& [key, value] : op.values.all())
      std::visit([&, &name = key](const auto& v) { values[name] = v; }, value);
    operators.push_back({{"name", op.name},
                         {"type", op.reference()},
                         {"settings", std::move(values)},
                         {"transient", op.transient},
                         {"on_error", to_string(op.on_error.strategy)},
                         {"max_errors", op.on_error.limit},
                         {"error_window_ms", ms(op.on_error.window)}});
  }
  for (const auto& a : g.arcs)
    arcs.push_back(
        {{"from", a.from},
         {"from_port", a.from_port},
         {"to", a.to},
         {"to_port", a.to_port},
         {"capacity", a.capacity},
         {"feedback", a.feedback == feedback_policy::none ? json() : json(to_string(a.feedback))}});
  return {{"name", g.name},
          {"graph_file", g.origin.string()},
          {"modules", std::move(modules)},
          {"operators", std::move(operators)},
          {"arcs", std::move(arcs)}};
}

json to_json(const history_entry& e) {
  return {{"id", e.id},
          {"epoch", e.epoch},
          {"who", e.who},
          {"what", e.what},
          {"when", iso_time(e.when)},
          {"outcome", to_string(e.outcome)},
          {"reason", e.reason},
          {"steps", steps_json(e.steps)},
          {"mark_to_commit_ms", ms(e.mark_to_commit)},
          {"cause", e.cause}};
}

json to_json(const std::vector<history_entry>& entries) {
  json list = json::array();
  for (const auto& e : entries) list.push_back(to_json(e));
  return list;
}

json to_json(const std::vector<cancel_answer>& answers) {
  json list = json::array();
  for (const auto& a : answers)
    list.push_back({{"id", a.id}, {"cancelled", a.refusal.empty()}, {"refusal", a.refusal}});
  return list;
}

json to_json(const checkpoint_listing& found) {
  json list = json::array();
  for (const auto& one : found.list)
    list.push_back({{"file", one.info.file.string()},
                    {"number", one.info.number},
                    {"epoch", one.info.epoch},
                    {"when", one.damage.empty() ? json(iso_time(one.info.when)) : json()},
                    {"bytes", one.info.bytes},
                    {"operators", one.info.operators},
                    {"whole", one.damage.empty()},
                    {"damage", one.damage}});
  return {{"folder", found.folder.string()}, {"checkpoints", std::move(list)}};
}

json plan_json(const transition_plan& plan) { return json::parse(instar::to_json(plan)); }

std::string dump(const json& value, bool indented) {
  return value.dump(indented ? 2 : -1, ' ', false, json::error_handler_t::replace);
}

std::string iso_time(std::chrono::system_clock::time_point when) {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(since - seconds);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const auto fraction = std::to_string(1000 + rest.count());
  return std::string(text.data()) + "." + fraction.substr(1) + "Z";
}

} // namespace instar::instarctl

#include "apps/instarctl/policy.hpp"

#include "actors/nearest.hpp"
#include "apps/instarctl/json.hpp"
#include "apps/instarctl/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace instar::instarctl {

using nlohmann::json;

namespace {

constexpr auto none = "No policies. A graph file may have operators of the type instar.policy@1.\n";

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

exit_code complain(const std::string& why, exit_code code) {
  std::fprintf(stderr, "instarctl: %s\n", why.c_str());
  return code;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string last_of(const policy_status& one) {
  for (auto e = one.events.rbegin(); e != one.events.rend(); ++e)
    if (e->kind == "there" || e->kind == "back")
      return iso_time(e->when) + " " + e->kind + ": " +
             (e->outcome.empty() ? "on its way" : e->outcome);
  return "-";
}

std::string told_of(const policy_event& e) {
  auto text = e.asked.empty() ? e.cause : e.asked + ", because " + e.cause;
  if (e.kind != "there" && e.kind != "back") return text;
  text += "\n      " + (e.outcome.empty() ? std::string("no outcome yet") : e.outcome);
  if (e.transition != 0) text += ", transition " + std::to_string(e.transition);
  if (e.epoch != 0) text += ", epoch " + std::to_string(e.epoch);
  if (!e.reason.empty()) text += ": " + e.reason;
  return text;
}

json event_json(const policy_event& e) {
  return {{"when", iso_time(e.when)},
          {"kind", e.kind},
          {"asked", e.asked},
          {"cause", e.cause},
          {"outcome", e.outcome.empty() ? json() : json(e.outcome)},
          {"reason", e.reason},
          {"transition", e.transition != 0 ? json(e.transition) : json()},
          {"epoch", e.epoch != 0 ? json(e.epoch) : json()}};
}

json measure_json(const policy_measure& m) {
  return {{"expression", m.expression},
          {"relation", m.relation},
          {"threshold", m.threshold},
          {"unit", m.unit},
          {"value", m.value ? json(*m.value) : json()},
          {"why_no_value", m.why_not},
          {"holds", m.holds}};
}

std::vector<std::string> names_of(const std::vector<policy_status>& all) {
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.name);
  return names;
}

exit_code list(const std::vector<policy_status>& all, const options& o) {
  if (!o.json) {
    print(to_text(all));
    return exit_code::done;
  }
  json made = json::array();
  for (const auto& one : all) made.push_back(to_json(one));
  print(dump(made) + "\n");
  return exit_code::done;
}

exit_code why(const std::vector<policy_status>& all, const options& o) {
  std::vector<const policy_status*> wanted;
  for (const auto& name : o.names) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const policy_status& one) { return one.name == name; });
    if (found == all.end())
      return complain("there is no policy '" + name + "'" + suggest(name, names_of(all)),
                      exit_code::refused);
    wanted.push_back(&*found);
  }
  if (o.names.empty())
    for (const auto& one : all) wanted.push_back(&one);
  json made = json::array();
  std::string text;
  for (const auto* one : wanted) {
    made.push_back(to_json(*one));
    text += (text.empty() ? "" : "\n") + why_text(*one);
  }
  print(o.json ? dump(made) + "\n" : wanted.empty() ? none : text);
  return exit_code::done;
}

exit_code pause(admin_client& service, const options& o) {
  const bool paused = o.policy == policy_command::pause;
  const auto answers = service.pause_policies(o.names, paused);
  if (!answers) return complain(answers.error().message, exit_code::no_answer);
  auto code = exit_code::done;
  for (const auto& a : *answers) {
    if (!a.refusal.empty()) code = exit_code::refused;
    if (o.json) continue;
    if (a.refusal.empty()) print((paused ? "paused " : "resumed ") + a.name + "\n");
    else complain(a.refusal, code);
  }
  if (o.json) print(dump(to_json(*answers)) + "\n");
  else if (answers->empty()) print(none);
  return code;
}

} // namespace

std::string to_text(const std::vector<policy_status>& all) {
  if (all.empty()) return none;
  std::vector<std::vector<std::string>> rows{
      {"POLICY", "PLACE", ">CHANGES", "RULE", "ASKS", "STATE", "LAST"}};
  for (const auto& one : all)
    rows.push_back({one.name, or_dash(one.place),
                    std::to_string(one.changes) + "/" + std::to_string(one.per_hour) + " h",
                    or_dash(one.rule), or_dash(one.asks), one.state, last_of(one)});
  return table(rows);
}

std::string why_text(const policy_status& one) {
  auto text = one.name + ": " + or_dash(one.place) + ", " + one.state + "\n";
  if (!one.asks.empty()) text += "  asks     " + one.asks + "\n  when     " + one.rule + "\n";
  for (const auto& m : one.measures)
    text += "  now      " + m.text + ": " +
            (m.value ? (m.holds ? "holds" : "does not hold") : m.why_not.c_str()) + "\n";
  if (one.holds_since) text += "  since    " + iso_time(*one.holds_since) + "\n";
  text += "  changes  " + std::to_string(one.changes) + " within the last hour, " +
          std::to_string(one.per_hour) + " at the most\n";
  if (one.refusals > 0) text += "  refused  " + std::to_string(one.refusals) + " in a row\n";
  for (const auto& e : one.events)
    text += "  " + iso_time(e.when) + "  " + e.kind + ": " + told_of(e) + "\n";
  return text;
}

json to_json(const policy_status& one) {
  json measures = json::array(), events = json::array();
  for (const auto& m : one.measures) measures.push_back(measure_json(m));
  for (const auto& e : one.events) events.push_back(event_json(e));
  return {{"name", one.name},
          {"place", one.place},
          {"paused", one.paused},
          {"paused_by", one.paused_by},
          {"rule", one.rule},
          {"asks", one.asks},
          {"state", one.state},
          {"measures", std::move(measures)},
          {"holds_since", one.holds_since ? json(iso_time(*one.holds_since)) : json()},
          {"changes", one.changes},
          {"per_hour", one.per_hour},
          {"refusals", one.refusals},
          {"events", std::move(events)}};
}

json to_json(const std::vector<policy_answer>& answers) {
  json list = json::array();
  for (const auto& a : answers)
    list.push_back({{"name", a.name}, {"done", a.refusal.empty()}, {"refusal", a.refusal}});
  return list;
}

exit_code policies(admin_client& service, const options& o) {
  if (o.policy == policy_command::pause || o.policy == policy_command::resume)
    return pause(service, o);
  const auto all = service.policies();
  if (!all) return complain(all.error().message, exit_code::no_answer);
  return o.policy == policy_command::why ? why(*all, o) : list(*all, o);
}

} // namespace instar::instarctl

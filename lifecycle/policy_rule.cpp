#include "lifecycle/policy_rule.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

namespace instar {

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t most_points = 10'000; // that a window keeps of each metric
constexpr std::chrono::nanoseconds longest = 24h;
constexpr std::int64_t most_per_hour = 100'000;

/// Reads the settings in their order; each mistake is told.
class reader {
public:
  explicit reader(const settings& values) : values_(values) {}

  policy_reading run() {
    auto& rule = made_.rule;
    read_times();
    const auto held = time("for", 0ns, longest);
    rule.there = {read_condition("when"), held, read_action("update", "apply")};
    if (!given("update") && !given("apply"))
      complain("update", "there is nothing to ask for; give 'update' or 'apply'");
    if (given("back_when")) read_way_back(held);
    else
      for (const auto* name : {"back_update", "back_apply", "back_for"})
        if (given(name)) complain(name, "is without back_when; give the condition for it");
    return std::move(made_);
  }

private:
  void complain(const std::string& setting, const std::string& what) {
    made_.mistakes.push_back(setting + ": " + what);
  }

  /// Settings without a default are empty texts.
  bool given(const char* name) const {
    const auto found = values_.all().find(name);
    if (found == values_.all().end()) return false;
    const auto* text = std::get_if<std::string>(&found->second);
    return !text || !policy_trimmed(*text).empty();
  }

  std::chrono::nanoseconds time(const char* name, std::chrono::nanoseconds least,
                                std::chrono::nanoseconds most) {
    if (!given(name)) return 0ns;
    const auto value = values_.duration(name);
    if (value < least || value > most)
      complain(name,
               "is out of range; write " +
                   value_text(std::chrono::duration<double>(least).count(), policy_unit::time) +
                   " to " +
                   value_text(std::chrono::duration<double>(most).count(), policy_unit::time));
    return value;
  }

  void read_times() {
    auto& rule = made_.rule;
    rule.every = time("every", 1ms, 1h);
    rule.window = time("window", 0ns, longest);
    rule.cool_down = time("cool_down", 0ns, longest);
    rule.deadline = time("deadline", 0ns, longest);
    if (rule.every > 0ns && rule.window / rule.every > most_points)
      complain("window", "has more than " + std::to_string(most_points) +
                             " times 'every' in it; make it shorter, or look less often");
    const auto most = values_.integer("per_hour");
    if (most < 1 || most > most_per_hour)
      complain("per_hour", "is out of range; write 1 to " + std::to_string(most_per_hour));
    rule.per_hour = static_cast<std::uint32_t>(std::clamp<std::int64_t>(most, 1, most_per_hour));
    rule.paused = values_.boolean("paused");
  }

  condition read_condition(const char* name) {
    auto parsed = parse_condition(values_.text(name), made_.rule.metrics);
    if (!parsed) {
      complain(name, parsed.error().message);
      sound_ = false;
      return {};
    }
    if (const auto flaw = flaw_of(*parsed); !flaw.empty()) {
      complain(name, flaw + "; write a condition that may be true or not");
      sound_ = false;
    }
    return *std::move(parsed);
  }

  policy_action read_action(const char* update, const char* apply) {
    policy_action made;
    std::istringstream words(values_.text(update));
    std::set<std::string> names;
    for (std::string word; words >> word;) {
      auto one = parse_update(word);
      if (!one) complain(update, one.error().message);
      else if (!names.insert(one->name).second)
        complain(update, "operator '" + one->name + "' is there twice; leave one of them out");
      else made.updates.push_back(*std::move(one));
    }
    if (!given(apply)) return made;
    if (given(update))
      complain(apply,
               std::string("cannot be given beside '") + update + "'; leave one of them out");
    made.graph = values_.path(apply);
    return made;
  }

  void read_way_back(std::chrono::nanoseconds held) {
    auto& rule = made_.rule;
    if (given("back_for")) held = time("back_for", 0ns, longest);
    rule.back = {read_condition("back_when"), held, read_action("back_update", "back_apply")};
    if (!given("back_update") && !given("back_apply"))
      return complain("back_when", "there is nothing to ask for then; give 'back_update' or "
                                   "'back_apply'");
    check_actions();
    if (rule.per_hour < 2)
      complain("per_hour", "leaves no room for the way back; write at least 2");
    if (!sound_) return;
    if (const auto flaw = contradiction(rule.there.when, rule.back.when); !flaw.empty())
      complain("back_when", "contradicts 'when': " + flaw);
  }

  /// Only of the same kind, and about the same operators, one can tell which of them runs.
  void check_actions() {
    const auto &there = made_.rule.there.action, &back = made_.rule.back.action;
    if (there.empty() || back.empty()) return; // told already
    if (there.graph.empty() != back.graph.empty())
      return complain(back.graph.empty() ? "back_update" : "back_apply",
                      "the way there is of the other kind; go back by " +
                          std::string(there.graph.empty() ? "'back_update'" : "'back_apply'"));
    if (!there.graph.empty()) {
      if (there.graph == back.graph)
        complain("back_apply", "is the file of the way there; name the one to go back to");
      return;
    }
    for (const auto& one : there.updates) check_pair(one, back.updates, "back_update");
    for (const auto& one : back.updates)
      if (!find(there.updates, one.name))
        complain("update",
                 "operator '" + one.name + "' is exchanged on the way back only; name it in both");
  }

  static const operator_update* find(const std::vector<operator_update>& in,
                                     const std::string& name) {
    const auto found = std::find_if(in.begin(), in.end(),
                                    [&](const operator_update& u) { return u.name == name; });
    return found == in.end() ? nullptr : &*found;
  }

  void check_pair(const operator_update& one, const std::vector<operator_update>& others,
                  const char* setting) {
    const auto* other = find(others, one.name);
    if (!other)
      return complain(setting, "operator '" + one.name +
                                   "' is exchanged on the way there only; name it in both");
    if (other->type == one.type && other->version == one.version)
      complain(setting, "operator '" + one.name + "' becomes " + one.type + "@" +
                            std::to_string(one.version) +
                            " on both ways; name the one to go back to");
  }

  const settings& values_;
  policy_reading made_;
  bool sound_ = true; // the conditions that were read
};

} // namespace

std::string policy_action::text() const {
  if (!graph.empty()) return "apply " + graph.string();
  std::string made = "update";
  for (const auto& u : updates)
    made += " " + u.name + "=" + u.type + "@" + std::to_string(u.version);
  return made;
}

policy_reading read_policy(const settings& values) { return reader(values).run(); }

} // namespace instar

#include "lifecycle/plan_state.hpp"

#include "actors/lanes.hpp"
#include "transfer/format.hpp"

#include <algorithm>
#include <utility>

namespace instar {

namespace {

const operator_description& type_of(const typed_graph& g, const std::string& name) {
  return g.types.find(name)->second;
}

/// `{type, version}` of each converter that may be used, beside what the negotiation needs.
struct converters_known {
  std::vector<offered_converter> offered;
  std::vector<converter_step> steps;
};

converters_known converters_for(const operator_description& from, const operator_description& to,
                                const plan_knowledge& known) {
  converters_known all;
  for (const auto& type : known.versions) {
    if (type.name != from.name && type.name != to.name) continue;
    for (const auto& c : type.converters) {
      all.offered.push_back({type.reference(), c.from, c.to, c.cost, type.schemas});
      all.steps.push_back({type.name, type.version, c.from, c.to});
    }
  }
  return all;
}

/// Its own schema, and what else it says.
std::vector<offered_format> formats(std::uint64_t own, const std::vector<state_format>& others) {
  std::vector<offered_format> all;
  if (own != 0) all.push_back({own, 1});
  for (const auto& f : others)
    if (f.schema != own) all.push_back({f.schema, f.cost});
  return all;
}

/// Two types, and how the state of the one goes to the other.
class state_change {
public:
  state_change(const operator_description& from, const operator_description& to,
               const plan_knowledge& known)
      : from_(from), to_(to), converters_(converters_for(from, to, known)) {}

  /// Each says which way, or nothing if there is nothing to go, or why not.
  result<state_route> whole() const {
    if (from_.state_schema == 0) return state_route();
    const auto imports = formats(to_.state_schema, to_.imports);
    if (imports.empty())
      return failure{errc::incompatible,
                     "the new version keeps none and would drop it; give it a state schema"};
    return agree(formats(from_.state_schema, from_.exports), imports);
  }
  result<state_route> parts() const {
    if (from_.part_schema == 0) return state_route();
    if (to_.part_schema == 0)
      return failure{errc::incompatible, "the new version has no keyed state and would drop it; "
                                         "give it a part schema"};
    return agree({{from_.part_schema, 1}}, {{to_.part_schema, 1}});
  }

  /// For people.
  std::string describe(const state_route& route) const {
    auto text = name(from_, route.written);
    const auto after = name(to_, route.read);
    const bool own = is_own(from_, route.written) && is_own(to_, route.read);
    if (own) text += " v" + std::to_string(from_.state_version);
    if (text != after || own) text += " ->";
    if (from_.schemas.display_name(route.written) != after) text += " " + after;
    if (own) text += " v" + std::to_string(to_.state_version);
    text += " (Cap'n Proto";
    for (std::size_t i = 0; i < route.converters.size(); ++i)
      text += (i > 0 ? ", " : ", converted by ") + route.converters[i].reference();
    return text + ")";
  }
  std::string lost(std::uint64_t schema) const { return "DROPPED: " + name(from_, schema); }

private:
  static std::string name(const operator_description& type, std::uint64_t schema) {
    return type.schemas.display_name(schema);
  }
  static bool is_own(const operator_description& type, std::uint64_t schema) {
    return schema == type.state_schema || schema == type.part_schema;
  }

  result<state_route> agree(std::vector<offered_format> exports,
                            std::vector<offered_format> imports) const {
    format_question question;
    question.from_name = from_.reference();
    question.to_name = to_.reference();
    question.exports = std::move(exports);
    question.imports = std::move(imports);
    question.from_schemas = from_.schemas;
    question.to_schemas = to_.schemas;
    question.converters = &converters_.offered;
    const auto agreed = negotiate(question);
    if (!agreed) return agreed.error();
    state_route route{agreed->written, agreed->read, {}};
    for (const auto step : agreed->steps) route.converters.push_back(converters_.steps[step]);
    return route;
  }

  const operator_description& from_;
  const operator_description& to_;
  const converters_known converters_;
};

bool may_drop(const plan_knowledge& known, const operator_change& change) {
  return std::any_of(known.drop_state.begin(), known.drop_state.end(), [&](const auto& name) {
    return name == change.name || name == change.before() || name == change.replica_of;
  });
}

} // namespace

void plan_state(operator_change& change, const operator_description& from,
                const operator_description& to, const plan_knowledge& known,
                std::vector<failure>& refusals) {
  if (from.hands_over() && from.native == to.native) {
    change.native = change.transfers_state = true;
    change.state_format = "handed over as it is (" + from.native.name + ")";
    return;
  }
  const state_change states(from, to, known);
  std::vector<std::string> said;
  const auto take = [&](const result<state_route>& way, std::uint64_t schema, const char* what,
                        state_route& into) {
    if (way) {
      into = *way;
      if (into.moves()) said.push_back(states.describe(into));
    } else if (may_drop(known, change)) {
      change.drops_state = true;
      said.push_back(states.lost(schema));
    } else {
      refusals.push_back({errc::incompatible, "operator '" + change.name + "': the " + what +
                                                  " of " + from.reference() + " cannot go to " +
                                                  to.reference() + ": " + way.error().message +
                                                  ", or give it up with --drop-state " +
                                                  change.written_name()});
      return;
    }
    if (schema != 0 && what == std::string_view("keyed state")) said.back() += " in parts";
  };
  take(states.whole(), from.state_schema, "state", change.state_by);
  take(states.parts(), from.part_schema, "keyed state", change.parts_by);
  if (change.parts_by.moves()) change.parts = part_transfer::pre_copy;
  change.transfers_state = change.state_by.moves() || change.parts_by.moves();
  for (const auto& text : said)
    change.state_format += (change.state_format.empty() ? "" : "; ") + text;
  if (from.state_schema == 0 && from.part_schema == 0)
    change.state_format =
        to.state_schema == 0 && to.part_schema == 0 ? "stateless" : "starts empty";
}

namespace {

std::string ends_with(const operator_description& type) {
  std::string names;
  for (const auto schema : {type.state_schema, type.part_schema})
    if (schema != 0) names += (names.empty() ? "" : ", ") + type.schemas.display_name(schema);
  return names.empty() ? "stateless" : "ends with it: " + names;
}

/// The number of replicas of an operator changes: what has keys is split and merged.
class scaled_state {
public:
  scaled_state(const scaling& of, scaled_from where, const typed_graph& before,
               const typed_graph& after, const plan_knowledge& known, transition_plan& plan)
      : of_(of), runs_(where == scaled_from::running), from_(type_of(before, of.before.front())),
        to_(type_of(after, of.after.front())), known_(known), plan_(plan) {}

  void decide() {
    const state_change states(from_, to_, known_);
    if (from_.state_schema != 0) decide_rest(states);
    if (from_.hands_over() && from_.part_schema == 0)
      lose("DROPPED: " + from_.native.name,
           "its state is handed over as one object, which cannot be split and merged");
    if (from_.part_schema != 0) {
      if (auto way = states.parts()) {
        route_ = std::move(*way);
        said_.push_back(states.describe(route_) + " in parts by their keys" +
                        (runs_ ? ", ahead of the cut" : ""));
      } else {
        lose(states.lost(from_.part_schema), way.error().message);
      }
    }
    note();
  }

private:
  /// What has no keys: each gives it to one of the new ones, if these can put it together.
  void decide_rest(const state_change& states) {
    auto way = states.whole();
    if (!way) return lose(states.lost(from_.state_schema), way.error().message);
    if (!to_.mergeable)
      return lose(states.lost(from_.state_schema),
                  "its state " + from_.schemas.display_name(from_.state_schema) +
                      " has no keys to split and merge it by, and " + to_.reference() +
                      " does not say that it is mergeable");
    rest_ = std::move(*way);
    said_.push_back(states.describe(rest_) + ", merged");
  }

  std::string text() const {
    std::string all;
    for (const auto& one : said_) all += (all.empty() ? "" : "; ") + one;
    return all;
  }

  void lose(std::string dropped, const std::string& why) {
    const auto& names = known_.drop_state;
    drops_ = std::find(names.begin(), names.end(), of_.name) != names.end();
    if (drops_) return said_.push_back(std::move(dropped));
    const auto before = std::to_string(of_.before.size());
    const auto remedy = runs_ ? "keep state in parts() alone, or mergeable"
                              : "restore it with replicas = " + before;
    plan_.refusals.push_back(
        {errc::incompatible, "operator '" + of_.name + "' (" + from_.reference() +
                                 ") cannot go from " + before + " to " +
                                 std::to_string(of_.after.size()) + " replicas: " + why + "; " +
                                 remedy + ", or give it up with --drop-state " + of_.name});
  }

  /// Of each old one the state without keys goes to the one that has the first of its places.
  std::vector<std::string> rest_of(const std::string& heir) const {
    std::vector<std::string> from;
    for (std::size_t i = 0; i < of_.before.size(); ++i) {
      const auto first = range_of(i, of_.before.size()).from;
      if (of_.after[lane_of(first, of_.after.size())] == heir) from.push_back(of_.before[i]);
    }
    return from;
  }

  void note() {
    const auto is_one = [](const std::vector<std::string>& of, const std::string& name) {
      return std::find(of.begin(), of.end(), name) != of.end();
    };
    for (auto& change : plan_.operators) {
      const bool ends = change.action == operator_action::remove && is_one(of_.before, change.name);
      const bool begins = change.action == operator_action::add && is_one(of_.after, change.name);
      if ((!ends && !begins) || said_.empty()) continue;
      change.state_format = text();
      change.drops_state = drops_;
      if (!route_.moves() && !rest_.moves()) continue;
      change.transfers_state = true;
      change.state_by = rest_;
      if (ends) {
        change.heirs = of_.after;
        if (route_.moves()) change.parts = part_transfer::pre_copy;
      } else {
        change.state_from = of_.before;
        change.parts_by = route_;
        if (rest_.moves()) change.rest_from = rest_of(change.name);
      }
    }
  }

  const scaling& of_;
  const bool runs_;
  const operator_description& from_;
  const operator_description& to_;
  const plan_knowledge& known_;
  transition_plan& plan_;
  state_route route_, rest_; // of keyed state, and of what `save` writes
  std::vector<std::string> said_;
  bool drops_ = false;
};

/// Who gives up what is not lost has another operator in mind, or another version.
void check_consent(const std::string& name, const transition_plan& plan,
                   std::vector<failure>& refusals) {
  bool known = false, drops = false;
  for (const auto& c : plan.operators) {
    if (c.name != name && c.before() != name && c.replica_of != name) continue;
    const bool ends =
        c.action == operator_action::remove && c.heirs.empty() && c.state_format != "stateless";
    known = true;
    drops = drops || c.drops_state || ends;
  }
  if (!known)
    refusals.push_back({errc::not_found, "operator '" + name +
                                             "', whose state may be dropped, is none of "
                                             "those that change; leave --drop-state " +
                                             name + " out"});
  else if (!drops)
    refusals.push_back(
        {errc::refused,
         "operator '" + name + "' drops no state; leave --drop-state " + name + " out"});
}

} // namespace

void plan_scaling(const scaling& of, scaled_from where, const typed_graph& before,
                  const typed_graph& after, const plan_knowledge& known, transition_plan& plan) {
  scaled_state(of, where, before, after, known, plan).decide();
}

void plan_states(const typed_graph& running, const typed_graph& wanted, const lineage& by,
                 const plan_knowledge& known, transition_plan& plan) {
  for (auto& change : plan.operators) {
    if (change.action == operator_action::replace)
      plan_state(change, type_of(running, change.before()), type_of(wanted, change.name), known,
                 plan.refusals);
    if (change.action == operator_action::remove)
      change.state_format = ends_with(type_of(running, change.name));
  }
  for (const auto& one : find_scalings(running.content, wanted.content, by))
    plan_scaling(one, scaled_from::running, running, wanted, known, plan);
  if (plan.refused()) return; // first what is lost, then who agrees to that
  for (const auto& name : known.drop_state) check_consent(name, plan, plan.refusals);
}

} // namespace instar

#include "lifecycle/graph_versions.hpp"

#include "lifecycle/graph_edit.hpp"
#include "lifecycle/graph_merge.hpp"

#include <algorithm>
#include <utility>

namespace instar {

graph_versions::graph_versions(std::size_t kept) : kept_(std::max<std::size_t>(2, kept)) {}

namespace {

using place_numbers = graph_versions::place_numbers;

/// The places after a commit of `plan`; the same object if none came, went or was renamed.
std::shared_ptr<const place_numbers> next_places(const transition_plan& plan,
                                                 std::shared_ptr<const place_numbers> now,
                                                 std::uint64_t& last) {
  const auto moves = [](const operator_change& op) {
    return op.action == operator_action::add || op.action == operator_action::remove ||
           op.renamed();
  };
  if (now && std::none_of(plan.operators.begin(), plan.operators.end(), moves)) return now;
  auto places = now ? *now : place_numbers();
  place_numbers taken; // under the new names
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::add) {
      taken[op.name] = ++last;
    } else if (moves(op)) {
      const auto old = places.extract(op.before()); // none if it was put on an arc for a while
      if (op.action == operator_action::remove) continue;
      taken[op.name] = old.empty() ? ++last : old.mapped();
    }
  }
  places.merge(taken);
  return std::make_shared<const place_numbers>(std::move(places));
}

bool reshapes(const transition_plan& plan) {
  return std::any_of(plan.arcs.begin(), plan.arcs.end(),
                     [](const arc_change& a) { return a.action != arc_action::keep; });
}

} // namespace

/// The two graphs have their operators in the same order; if not, the name counts.
std::size_t graph_versions::place_in_given(graph_index::number op) const {
  const auto& all = given_.operators;
  const auto& name = running_.content.operators[op].name;
  if (op < all.size() && all[op].name == name) return op;
  return static_cast<std::size_t>(
      std::find_if(all.begin(), all.end(), [&](const operator_node& o) { return o.name == name; }) -
      all.begin());
}

const operator_node& graph_versions::given(graph_index::number op) const {
  return given_.operators[place_in_given(op)];
}

void graph_versions::commit(epoch_t epoch, const planned& done) {
  const auto former_places = versions_.empty() ? nullptr : versions_.back().places;
  auto places = next_places(done.plan, former_places, last_place_);
  if (!done.whole && !reshapes(done.plan)) {
    remember(epoch, exchange(done), std::move(places));
  } else {
    const bool edited = has_transients(given_) || has_transients(done.given);
    auto former = replace(done);
    if (edited) remember_asked_for(epoch, std::move(former), *places);
    else remember(epoch, std::move(former), std::move(places));
  }
  ++generation_;
  epoch_ = std::max(epoch_, epoch);
}

void graph_versions::remember(epoch_t epoch, std::variant<exchanged, whole> former,
                              std::shared_ptr<const place_numbers> places) {
  if (!versions_.empty()) versions_.back().back = std::move(former);
  versions_.push_back({epoch, std::move(places)});
  if (versions_.size() > kept_) versions_.pop_front();
}

/// What was put on arcs is no part of any version. Where nothing else has changed there is no new
/// one.
void graph_versions::remember_asked_for(epoch_t epoch, whole former, place_numbers places) {
  for (const auto& op : given_.operators) {
    if (op.transient) places.erase(op.name);
    else if (!places.count(op.name)) places[op.name] = ++last_place_;
  }
  former = {without_transients(std::move(former.given)),
            without_transients(std::move(former.checked))};
  auto kept = std::make_shared<const place_numbers>(std::move(places));
  if (!versions_.empty()) {
    const version before{0, former.given, former.checked, versions_.back().places};
    const version now{0, {}, without_transients(running_.content), kept};
    if (!difference(before.checked, now.checked, between(before, now)).changes()) return;
  }
  remember(epoch, std::move(former), std::move(kept));
}

graph_versions::exchanged graph_versions::exchange(const planned& done) {
  exchanged former;
  const name_index given(done.given), wanted(done.wanted.content);
  for (const auto& op : done.plan.operators) {
    if (!op.participates()) continue;
    const auto at = index_.find(op.name);
    auto& checked = running_.content.operators[at];
    auto& written = given_.operators[place_in_given(at)];
    auto& type = running_.types.find(op.name)->second;
    former.emplace_back(written, checked);
    written = done.given.operators[given.find(op.name)];
    checked = done.wanted.content.operators[wanted.find(op.name)];
    type = done.wanted.types.find(op.name)->second;
    index_.set_type(at, type);
  }
  return former;
}

graph_versions::whole graph_versions::replace(const planned& done) {
  whole former{std::move(given_), {}};
  if (done.as_of == generation_) {
    former.checked = std::move(running_.content);
    given_ = done.given;
    running_ = done.wanted;
  } else {
    given_ = merge_given(former.given, done);
    auto merged = merge_checked(running_, done);
    former.checked = std::move(running_.content);
    running_ = std::move(merged);
  }
  forget_was();
  index_ = graph_index(running_);
  return former;
}

/// A `was` has been followed: it is no part of the graph.
void graph_versions::forget_was() {
  for (auto* g : {&given_, &running_.content})
    for (auto& op : g->operators) op.was.clear();
}

void graph_versions::reword(graph given, graph checked) {
  // Those before it are kept as ways back from the words of now.
  if (versions_.size() > 1) {
    auto former = at(versions_.size() - 2);
    versions_[versions_.size() - 2].back =
        whole{std::move(former.given), std::move(former.checked)};
  }
  given_ = std::move(given);
  running_.content = std::move(checked);
  forget_was();
  index_ = graph_index(running_);
}

void graph_versions::end(epoch_t epoch) {
  running_ = {};
  index_ = {};
  given_ = {};
  ++generation_;
  epoch_ = epoch;
  versions_.clear();
}

graph_versions::version graph_versions::at(std::size_t place) const {
  version found{versions_[place].epoch, without_transients(given_),
                without_transients(running_.content), versions_[place].places};
  name_index given(found.given), checked(found.checked);
  for (auto next = versions_.size() - 1; next-- > place;) {
    if (const auto* former = std::get_if<whole>(&versions_[next].back)) {
      found.given = former->given;
      found.checked = former->checked;
      given = name_index(found.given);
      checked = name_index(found.checked);
      continue;
    }
    for (const auto& [written, node] : std::get<exchanged>(versions_[next].back)) {
      if (given.find(written.name) == name_index::none) continue; // put on an arc for a while
      found.given.operators[given.find(written.name)] = written;
      found.checked.operators[checked.find(node.name)] = node;
    }
  }
  return found;
}

graph_versions::version graph_versions::latest() const {
  return versions_.empty() ? version() : at(versions_.size() - 1);
}

result<graph_versions::version> graph_versions::find(epoch_t epoch) const {
  constexpr std::size_t most = 10;
  std::string kept;
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i].epoch == epoch) return at(i);
    if (i + most >= versions_.size())
      kept += (kept.empty() ? "" : ", ") + std::to_string(versions_[i].epoch);
  }
  return failure{errc::not_found,
                 "the graph of epoch " + std::to_string(epoch) + " is not kept; " +
                     (kept.empty() ? "nothing runs" : "the latest kept are those of " + kept)};
}

result<epoch_t> graph_versions::former() const {
  if (versions_.size() < 2)
    return failure{errc::not_found, "no graph ran before the present one; apply another one"};
  return versions_[versions_.size() - 2].epoch;
}

lineage graph_versions::between(const version& from, const version& to) {
  std::map<std::uint64_t, std::string> now;
  for (const auto& [name, place] : *from.places) now.emplace(place, name);
  lineage by;
  // Who has its place still; then the others by name, if that is free.
  for (const auto& [name, place] : *to.places)
    if (const auto same = now.find(place); same != now.end()) {
      by.old_names.emplace(name, same->second);
      now.erase(same);
    }
  for (const auto& [place, name] : now)
    if (to.places->count(name)) by.old_names.emplace(name, name);
  return by;
}

} // namespace instar

#include "lifecycle/graph_versions.hpp"

#include "lifecycle/graph_edit.hpp"
#include "lifecycle/graph_merge.hpp"

#include <algorithm>
#include <utility>

namespace instar {

graph_versions::graph_versions(std::size_t kept) : kept_(std::max<std::size_t>(2, kept)) {}

namespace {

/// Takes the places of those that change out of `places`, and returns them under their new names.
graph_versions::place_numbers take_places(const transition_plan& plan,
                                          graph_versions::place_numbers& places,
                                          std::uint64_t& last) {
  graph_versions::place_numbers taken;
  for (const auto& op : plan.operators) {
    if (op.action == operator_action::add) {
      taken[op.name] = ++last;
      continue;
    }
    if (op.action != operator_action::remove && !op.renamed()) continue;
    const auto old = places.extract(op.before());
    if (op.action == operator_action::remove) continue;
    taken[op.name] = old.empty() ? ++last : old.mapped(); // a transient one had none
  }
  return taken;
}

} // namespace

void graph_versions::commit(epoch_t epoch, const planned& done) {
  const bool edited = has_transients(given_);
  auto places = versions_.empty() ? place_numbers() : versions_.back().places;
  auto moved = take_places(done.plan, places, last_place_);
  places.merge(moved);
  if (done.as_of == generation_) {
    given_ = done.given;
    running_ = done.wanted;
  } else {
    given_ = merge_given(given_, done);
    running_ = merge_checked(running_, done);
  }
  // A `was` has been followed: it is no part of the graph.
  for (auto* g : {&given_, &running_.content})
    for (auto& op : g->operators) op.was.clear();
  ++generation_;
  epoch_ = std::max(epoch_, epoch);
  if (edited || has_transients(given_)) remember_asked_for(epoch, std::move(places));
  else remember(epoch, std::move(places));
}

void graph_versions::reword(graph given, graph checked) {
  given_ = std::move(given);
  running_.content = std::move(checked);
  for (auto* g : {&given_, &running_.content})
    for (auto& op : g->operators) op.was.clear();
  if (versions_.empty()) return;
  auto now = versions_.back();
  if (has_transients(given_)) return remember_asked_for(now.epoch, std::move(now.places));
  versions_.pop_back();
  remember(now.epoch, std::move(now.places));
}

void graph_versions::end(epoch_t epoch) {
  running_ = {};
  given_ = {};
  ++generation_;
  epoch_ = epoch;
  versions_.clear();
}

void graph_versions::remember(epoch_t epoch, place_numbers places) {
  versions_.push_back({epoch, std::make_shared<const graph>(given_),
                       std::make_shared<const graph>(running_.content), std::move(places)});
  if (versions_.size() > kept_) versions_.pop_front();
}

/// What was put on arcs is no part of any version. Where nothing else has changed there is no new
/// one.
void graph_versions::remember_asked_for(epoch_t epoch, place_numbers places) {
  for (const auto& op : given_.operators) {
    if (op.transient) places.erase(op.name);
    else if (!places.count(op.name)) places[op.name] = ++last_place_;
  }
  version now{epoch, std::make_shared<const graph>(without_transients(given_)),
              std::make_shared<const graph>(without_transients(running_.content)),
              std::move(places)};
  if (const auto* last = latest();
      last && !difference(*last->checked, *now.checked, between(*last, now)).changes()) {
    now.epoch = last->epoch;
    versions_.pop_back();
  }
  versions_.push_back(std::move(now));
  if (versions_.size() > kept_) versions_.pop_front();
}

result<const graph_versions::version*> graph_versions::find(epoch_t epoch) const {
  constexpr std::size_t most = 10;
  std::string kept;
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    if (versions_[i].epoch == epoch) return &versions_[i];
    if (i + most >= versions_.size())
      kept += (kept.empty() ? "" : ", ") + std::to_string(versions_[i].epoch);
  }
  return failure{errc::not_found,
                 "the graph of epoch " + std::to_string(epoch) + " is not kept; " +
                     (kept.empty() ? "nothing runs" : "the latest kept are those of " + kept)};
}

result<const graph_versions::version*> graph_versions::former() const {
  if (versions_.size() < 2)
    return failure{errc::not_found, "no graph ran before the present one; apply another one"};
  return &versions_[versions_.size() - 2];
}

lineage graph_versions::between(const version& from, const version& to) {
  std::map<std::uint64_t, std::string> now;
  for (const auto& [name, place] : from.places) now.emplace(place, name);
  lineage by;
  // Who has its place still; then the others by name, if that is free.
  for (const auto& [name, place] : to.places)
    if (const auto same = now.find(place); same != now.end()) {
      by.old_names.emplace(name, same->second);
      now.erase(same);
    }
  for (const auto& [place, name] : now)
    if (to.places.count(name)) by.old_names.emplace(name, name);
  return by;
}

} // namespace instar

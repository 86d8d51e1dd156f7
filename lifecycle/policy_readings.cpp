// Reading metrics from what a service tells of itself.
#include "lifecycle/policy_metrics.hpp"

#include "actors/nearest.hpp"
#include "lifecycle/policy_known_metrics.hpp"

#include <algorithm>
#include <utility>

namespace instar {

using namespace known_metrics;

arc_ends ends_of_arc(std::string_view name) {
  const auto split = [](std::string_view end) {
    const auto dot = std::min(end.find('.'), end.size());
    return std::pair(end.substr(0, dot), dot < end.size() ? end.substr(dot + 1) : "");
  };
  constexpr std::string_view arrow = " -> ";
  const auto at = std::min(name.find(arrow), name.size());
  const auto from = split(name.substr(0, at));
  const auto to = split(at < name.size() ? name.substr(at + arrow.size()) : "");
  return {from.first, from.second, to.first, to.second};
}

namespace {

/// One look at a service, as metrics read it.
class reader {
public:
  explicit reader(const observation& in) : in_(in) {}

  metric_reading operators(const metric_use& what, const known_metric& known) const {
    metric_reading read;
    read.kind = known.shape;
    bool found = false;
    for (const auto& o : in_.status.operators) {
      if (!is(o, what.op)) continue;
      found = true;
      const auto value = static_cast<double>(o.*known.value);
      (known.shape == reading_shape::level ? read.level : read.count) += value;
    }
    if (!found) return none(what);
    if (known.value == &operator_status::busy_ns) read.count /= 1e9;
    if (known.shape == reading_shape::wait) read.level = queued_before(what.op);
    return read;
  }

  metric_reading arcs(const metric_use& what) const {
    metric_reading read;
    if (what.from.empty()) {
      if (std::none_of(in_.status.operators.begin(), in_.status.operators.end(),
                       [&](const operator_status& o) { return is(o, what.op); }))
        return none(what);
      read.level = queued_before(what.op);
      return read;
    }
    bool found = false;
    for (const auto& a : in_.status.arcs) {
      if (!leads(a, what)) continue;
      found = true;
      const auto used =
          what.name == "credit" ? a.capacity - std::min(a.queued, a.capacity) : a.queued;
      read.level += static_cast<double>(used);
    }
    if (!found) read.missing = "no arc leads from '" + what.from + "' to '" + what.op + "' now";
    return read;
  }

  metric_reading own(const metric_use& what) const {
    metric_reading read;
    std::vector<std::string> there;
    bool found = false;
    for (const auto& one : in_.own) {
      if (!is_named(one.name, what.op)) continue;
      for (const auto& sample : one.samples) {
        there.push_back(sample.what.name);
        if (sample.what.name != what.series || !has_labels(sample.what, what)) continue;
        add(read, sample, found);
        found = true;
      }
    }
    std::sort(there.begin(), there.end());
    there.erase(std::unique(there.begin(), there.end()), there.end());
    if (!found) {
      const bool labels = std::find(there.begin(), there.end(), what.series) != there.end();
      read.missing = "operator '" + what.op + "' shows no metric '" + what.series + "'" +
                     (labels ? " with these labels" : suggest(what.series, there));
    } else if (what.quantile > 0 && read.kind != reading_shape::histogram && read.missing.empty()) {
      read.missing = "'" + what.series + "' is no histogram, so it has no quantiles";
    }
    return read;
  }

private:
  static bool is(const operator_status& o, const std::string& name) {
    return o.name == name || o.replica_of == name;
  }

  bool is_named(std::string_view name, const std::string& wanted) const {
    if (name == wanted) return true;
    const auto& all = in_.status.operators;
    return std::any_of(all.begin(), all.end(), [&](const operator_status& o) {
      return o.name == name && o.replica_of == wanted;
    });
  }

  static metric_reading none(const metric_use& what) {
    metric_reading read;
    read.missing = "there is no operator '" + what.op + "' now";
    return read;
  }

  static bool has_labels(const metric_description& has, const metric_use& what) {
    return std::all_of(what.labels.begin(), what.labels.end(), [&](const auto& label) {
      return std::find(has.labels.begin(), has.labels.end(), label) != has.labels.end();
    });
  }

  static void add(metric_reading& to, const metric_sample& one, bool more) {
    to.kind = one.what.kind == metric_kind::counter ? reading_shape::counter
              : one.what.kind == metric_kind::gauge ? reading_shape::level
                                                    : reading_shape::histogram;
    (to.kind == reading_shape::level ? to.level : to.count) += one.value;
    if (to.kind != reading_shape::histogram) return;
    std::vector<double> bounds;
    for (const auto b : one.what.bounds) bounds.push_back(static_cast<double>(b) * one.what.unit);
    if (more && bounds != to.bounds) {
      to.missing = "the histograms '" + one.what.name + "' have different buckets";
      return;
    }
    to.bounds = std::move(bounds);
    to.buckets.resize(one.counts.size());
    for (std::size_t i = 0; i < one.counts.size(); ++i) to.buckets[i] += one.counts[i];
  }

  double queued_before(const std::string& op) const {
    double sum = 0;
    for (const auto& a : in_.status.arcs)
      if (is_named(ends_of_arc(a.name).to, op)) sum += static_cast<double>(a.queued);
    return sum;
  }

  /// Also over an operator that is on the arc for a while: then both halves are the arc.
  bool leads(const arc_status& a, const metric_use& what) const {
    const auto ends = ends_of_arc(a.name);
    const bool from = is_from(ends, what), to = is_to(ends, what);
    if (from && to) return true;
    if (from && is_tap(ends.to)) return tap_leads(ends.to, what, true);
    if (to && is_tap(ends.from)) return tap_leads(ends.from, what, false);
    return false;
  }

  bool is_from(const arc_ends& ends, const metric_use& what) const {
    return is_named(ends.from, what.from) &&
           (what.from_port.empty() || ends.from_port == what.from_port);
  }
  bool is_to(const arc_ends& ends, const metric_use& what) const {
    return is_named(ends.to, what.op) && (what.op_port.empty() || ends.to_port == what.op_port);
  }
  bool is_tap(std::string_view name) const {
    const auto& all = in_.status.operators;
    return std::any_of(all.begin(), all.end(), [&](const operator_status& o) {
      return o.name == name && o.reference.starts_with("instar.tap@");
    });
  }
  bool tap_leads(std::string_view tap, const metric_use& what, bool onward) const {
    return std::any_of(in_.status.arcs.begin(), in_.status.arcs.end(), [&](const arc_status& a) {
      const auto ends = ends_of_arc(a.name);
      return onward ? ends.from == tap && is_to(ends, what) : ends.to == tap && is_from(ends, what);
    });
  }

  const observation& in_;
};

} // namespace

metric_reading read_metric(const metric_use& what, const observation& in) {
  const auto* known = find_known(what.name);
  const reader look(in);
  if (!known) {
    metric_reading read;
    read.missing = "'" + what.name + "' is no metric";
    return read;
  }
  switch (known->of) {
  case subject::own:
    return look.own(what);
  case subject::arc:
  case subject::arc_or_operator:
    return look.arcs(what);
  case subject::op:
    return look.operators(what, *known);
  case subject::service:
    break;
  }
  metric_reading read;
  read.level = static_cast<double>(in.status.resident_bytes);
  return read;
}

} // namespace instar

#include "services/metrics/page_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::metrics_page {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using label_list = std::vector<ClientMetric::Label>;

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double since_1970(std::chrono::system_clock::time_point when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

/// The families of the page, in the order in which they were begun.
class collection {
public:
  void gauge(const char* name, const char* help, double value, label_list labels = {}) {
    if (auto* to = add(name, help, MetricType::Gauge, std::move(labels))) to->gauge.value = value;
  }
  void counter(const char* name, const char* help, double value, label_list labels = {}) {
    if (auto* to = add(name, help, MetricType::Counter, std::move(labels)))
      to->counter.value = value;
  }
  void histogram(const char* name, const char* help, const duration_histogram& of,
                 label_list labels = {}) {
    std::vector<double> bounds;
    for (const auto bound : of.bounds) bounds.push_back(seconds(bound));
    if (auto* to = add(name, help, MetricType::Histogram, std::move(labels)))
      fill(*to, bounds, of.counts, seconds(of.sum));
  }
  void own(const std::string& operator_name, const metric_sample& of) {
    label_list labels{{"operator", operator_name}};
    for (const auto& [name, value] : of.what.labels) labels.push_back({name, value});
    const auto type = of.what.kind == metric_kind::counter ? MetricType::Counter
                      : of.what.kind == metric_kind::gauge ? MetricType::Gauge
                                                           : MetricType::Histogram;
    auto* to = add(of.what.name, of.what.help, type, std::move(labels));
    if (!to) return;
    to->counter.value = to->gauge.value = of.value;
    std::vector<double> bounds;
    for (const auto bound : of.what.bounds)
      bounds.push_back(static_cast<double>(bound) * of.what.unit);
    if (type == MetricType::Histogram) fill(*to, bounds, of.counts, of.value);
  }

  std::uint64_t left_out() const { return left_out_; }
  const std::vector<MetricFamily>& families() const { return families_; }

private:
  /// Null if that name stands for something else, or the series is there already.
  ClientMetric* add(const std::string& name, const std::string& help, MetricType type,
                    label_list labels) {
    const auto [known, fresh] = place_of_.try_emplace(name, families_.size());
    if (fresh) {
      families_.push_back({name, help, type, {}});
      // A histogram's lines have names of their own.
      if (type == MetricType::Histogram)
        for (const auto* ending : {"_bucket", "_sum", "_count"})
          place_of_.try_emplace(name + ending, families_.size() - 1);
    }
    auto& family = families_[known->second];
    auto sorted = labels;
    std::sort(sorted.begin(), sorted.end());
    if (family.type != type || family.name != name ||
        !series_.emplace(name, std::move(sorted)).second) {
      ++left_out_;
      return nullptr;
    }
    family.metric.emplace_back();
    family.metric.back().label = std::move(labels);
    return &family.metric.back();
  }

  /// `counts` are of each bucket alone; shown is how many are at most so large.
  static void fill(ClientMetric& to, const std::vector<double>& bounds,
                   std::span<const std::uint64_t> counts, double sum) {
    auto& made = to.histogram;
    made.sample_sum = sum;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      made.sample_count += counts[i];
      made.bucket.push_back({made.sample_count, i < bounds.size()
                                                    ? bounds[i]
                                                    : std::numeric_limits<double>::infinity()});
    }
  }

  std::vector<MetricFamily> families_;
  std::map<std::string, std::size_t> place_of_;
  std::set<std::pair<std::string, label_list>> series_;
  std::uint64_t left_out_ = 0;
};

// -- the service ----------------------------------------------------------------------------------

void add_service(collection& to, const observation& of) {
  const auto& s = of.status;
  to.gauge("instar_info", "The service and the version of instar, as labels.", 1,
           {{"service", s.name}, {"version", s.version}});
  to.gauge("instar_start_time_seconds", "When the service began, since 1970.",
           since_1970(s.started));
  to.gauge("instar_epoch", "Number of the graph version that runs.", static_cast<double>(s.epoch));
  to.gauge("instar_modules_loaded", "Modules that are mapped.",
           static_cast<double>(s.modules_loaded));
  to.counter("instar_modules_unloaded_total", "Modules that were unmapped, verified.",
             static_cast<double>(s.modules_unloaded));
  to.counter("instar_modules_stuck_total", "Modules that were closed but stayed mapped.",
             static_cast<double>(s.modules_stuck));
  if (!of.checkpoint) return;
  const auto& c = *of.checkpoint;
  const auto age = std::chrono::system_clock::now() - c.when;
  to.gauge("instar_checkpoint_age_seconds", "Since the newest checkpoint was written.",
           std::max(0.0, seconds(age)));
  to.gauge("instar_checkpoint_size_bytes", "Of the newest checkpoint.",
           static_cast<double>(c.bytes));
  to.gauge("instar_checkpoint_epoch", "Of the transition that wrote the newest checkpoint.",
           static_cast<double>(c.epoch));
}

void add_transitions(collection& to, const observation& of) {
  const auto& all = of.transitions;
  for (std::size_t i = 0; i < all.by_outcome.size(); ++i)
    to.counter("instar_transitions_total", "Transitions that have ended.",
               static_cast<double>(all.by_outcome[i]),
               {{"outcome", to_string(static_cast<transition_outcome>(i))}});
  const auto waiting = of.status.queued_transitions;
  to.gauge("instar_transitions_running", "Transitions that have no outcome yet.",
           static_cast<double>(of.status.transitions.size() -
                               std::min(waiting, of.status.transitions.size())));
  to.gauge("instar_transitions_waiting", "Transitions that wait for their turn.",
           static_cast<double>(waiting));
  for (const auto& [step, took] : all.steps)
    to.histogram("instar_transition_step_seconds", "Time for each step of committed transitions.",
                 took, {{"step", step}});
  to.histogram("instar_transition_mark_to_commit_seconds",
               "From the first marker to the commit, of committed transitions.",
               all.mark_to_commit);
  to.histogram("instar_transition_seconds", "Time for committed transitions, all steps together.",
               all.whole);
}

// -- operators and arcs ---------------------------------------------------------------------------

/// Put in for a while, under a name that no other will have.
bool is_passing(const operator_status& op) { return op.reference.starts_with("instar."); }

/// Operators of the service, by name.
std::set<std::string, std::less<>> add_operators(collection& to, const service_status& of) {
  struct field {
    const char* name;
    const char* help;
    std::uint64_t operator_status::*value;
    double unit = 1;
  };
  constexpr field counters[] = {
      {"instar_operator_packets_in_total", "Packets taken.", &operator_status::packets_in},
      {"instar_operator_packets_out_total", "Packets emitted.", &operator_status::packets_out},
      {"instar_operator_events_total", "Events taken.", &operator_status::events},
      {"instar_operator_activations_total", "Times that it ran: batches of packets and events.",
       &operator_status::activations},
      {"instar_operator_busy_seconds_total", "Time in activations; every 16th is measured.",
       &operator_status::busy_ns, 1e-9},
      {"instar_operator_stalls_total", "Times that an output had no credit.",
       &operator_status::blocked},
      {"instar_operator_errors_total", "Exceptions out of its code.", &operator_status::errors},
      {"instar_operator_restarts_total", "New instances after errors.", &operator_status::restarts},
      {"instar_operator_late_answers_total", "Answers to requests that were not open any more.",
       &operator_status::late_answers},
  };
  constexpr field gauges[] = {
      {"instar_operator_events_waiting", "Events that were posted and not taken.",
       &operator_status::events_waiting},
      {"instar_operator_state_entries", "Entries of its keyed state.", &operator_status::entries},
      {"instar_operator_since_epoch", "Epoch of the transition that brought this instance.",
       &operator_status::since_epoch},
  };
  std::set<std::string, std::less<>> names;
  for (const auto& op : of.operators)
    if (!is_passing(op)) names.insert(op.name);
  const auto each = [&](auto&& add) {
    for (const auto& op : of.operators)
      if (!is_passing(op)) add(op);
  };
  each([&](const operator_status& op) {
    const auto at = op.reference.rfind('@');
    to.gauge("instar_operator_info", "Type and version of the instance that runs, as labels.", 1,
             {{"operator", op.name},
              {"type", op.reference.substr(0, at)},
              {"version", at == std::string::npos ? "" : op.reference.substr(at + 1)}});
  });
  for (const auto& f : counters)
    each([&](const operator_status& op) {
      to.counter(f.name, f.help, static_cast<double>(op.*f.value) * f.unit,
                 {{"operator", op.name}});
    });
  for (const auto& f : gauges)
    each([&](const operator_status& op) {
      to.gauge(f.name, f.help, static_cast<double>(op.*f.value), {{"operator", op.name}});
    });
  return names;
}

/// The operators at both ends of `from.port -> to.port`.
std::pair<std::string_view, std::string_view> ends_of(std::string_view arc) {
  constexpr std::string_view arrow = " -> ";
  const auto middle = arc.find(arrow);
  if (middle == arc.npos) return {};
  const auto owner = [](std::string_view end) { return end.substr(0, end.rfind('.')); };
  return {owner(arc.substr(0, middle)), owner(arc.substr(middle + arrow.size()))};
}

void add_arcs(collection& to, const service_status& of,
              const std::set<std::string, std::less<>>& operators) {
  std::vector<const arc_status*> shown;
  std::map<std::string_view, std::size_t> mailbox;
  for (const auto& name : operators) mailbox[name] = 0;
  for (const auto& arc : of.arcs) {
    const auto [from, into] = ends_of(arc.name);
    if (const auto at = mailbox.find(into); at != mailbox.end()) at->second += arc.queued;
    if (operators.count(from) && operators.count(into)) shown.push_back(&arc);
  }
  for (const auto& [name, level] : mailbox)
    to.gauge("instar_operator_mailbox_packets", "Packets that wait on the arcs to it.",
             static_cast<double>(level), {{"operator", std::string(name)}});
  for (const auto* arc : shown)
    to.gauge("instar_arc_queued_packets", "Packets that wait on the arc.",
             static_cast<double>(arc->queued), {{"arc", arc->name}});
  for (const auto* arc : shown)
    to.gauge("instar_arc_credits", "Packets for which the arc has room.",
             static_cast<double>(arc->capacity - std::min(arc->capacity, arc->queued)),
             {{"arc", arc->name}});
  for (const auto* arc : shown)
    to.gauge("instar_arc_capacity_packets", "Credits of the arc when it is empty.",
             static_cast<double>(arc->capacity), {{"arc", arc->name}});
}

// -- the process ----------------------------------------------------------------------------------

void add_process(collection& to, const page_content& of) {
  const auto& p = of.process;
  to.counter("process_cpu_seconds_total", "Time on processors, user and system.", p.cpu_seconds);
  to.gauge("process_start_time_seconds", "When the process began, since 1970.", p.started);
  to.gauge("process_resident_memory_bytes", "Memory that is resident.",
           static_cast<double>(p.resident_bytes));
  to.gauge("process_virtual_memory_bytes", "Address space in use.",
           static_cast<double>(p.virtual_bytes));
  to.gauge("process_open_fds", "Descriptors that are open.", static_cast<double>(p.open_files));
  to.gauge("process_max_fds", "Descriptors that may be open.", static_cast<double>(p.most_files));
  to.gauge("process_threads", "Threads.", static_cast<double>(p.threads));
  if (!of.heap) return;
  const auto& h = *of.heap;
  const std::pair<const char*, std::pair<const char*, std::uint64_t>> heap[] = {
      {"instar_jemalloc_allocated_bytes", {"Allocated by the program.", h.allocated}},
      {"instar_jemalloc_active_bytes", {"In pages that hold allocations.", h.active}},
      {"instar_jemalloc_metadata_bytes", {"Used by the allocator itself.", h.metadata}},
      {"instar_jemalloc_resident_bytes", {"In pages that are mapped and resident.", h.resident}},
      {"instar_jemalloc_mapped_bytes", {"In extents that are mapped.", h.mapped}},
      {"instar_jemalloc_retained_bytes", {"Kept as address space, not mapped.", h.retained}}};
  for (const auto& [name, said] : heap)
    to.gauge(name, said.first, static_cast<double>(said.second));
}

} // namespace

std::string page_text(const page_content& of) {
  collection all;
  add_service(all, of.seen);
  add_transitions(all, of.seen);
  const auto operators = add_operators(all, of.seen.status);
  add_arcs(all, of.seen.status, operators);
  add_process(all, of);
  for (const auto& op : of.seen.own)
    for (const auto& sample : op.samples) all.own(op.name, sample);
  all.gauge("instar_metrics_left_out", "Own metrics of operators whose names are taken.",
            static_cast<double>(all.left_out()));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, all.families());
  return std::move(text).str();
}

} // namespace instar::metrics_page

// What the supervisor tells of the service.
#include "lifecycle/supervisor.hpp"

#include <unistd.h>

#include <cstdio>

namespace instar {

namespace {

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(file, "%zu %zu", &total, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

service_status supervisor::status() const {
  service_status s;
  s.name = versions_.running().content.name;
  s.graph_file = versions_.running().content.origin.string();
  s.version = setup_.options->version;
  s.pid = getpid();
  s.epoch = versions_.epoch();
  s.started = started_;
  s.phase = stopped_ ? "stopped" : stopping_ ? "stopping" : s.epoch == 0 ? "starting" : "running";
  for (const auto& [epoch, now] : active_) {
    const std::string step = to_string(now.state.current());
    s.transition += (s.transition.empty() ? "" : "; ") + step + ": " + now.entry.what;
    auto steps = now.entry.steps;
    const auto over = now.state.times();
    steps.insert(steps.end(), over.begin(), over.end());
    const auto flow = now.state.state_flow();
    s.transitions.push_back({now.order->id, epoch, now.order->who, now.entry.what, step,
                             now.state.waiting_for(), std::move(steps), flow.moved, flow.total});
  }
  s.queued_transitions = queue_.size();
  queue_.describe(s.transitions);
  live_.describe(s);
  const auto modules = setup_.operators->count();
  s.modules_loaded = modules.loaded;
  s.modules_unloaded = modules.unloaded;
  s.modules_stuck = modules.stuck;
  s.resident_bytes = resident_bytes();
  return s;
}

observation supervisor::observe() const { return {status(), totals_, checkpoint_, {}}; }

} // namespace instar

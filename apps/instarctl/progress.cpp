#include "apps/instarctl/progress.hpp"

#include "apps/instarctl/text.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace instar::instarctl {

namespace {

constexpr auto erase_line = "\r\x1b[K";

/// How far state has gone to successors.
std::string flow_text(const transition_status& now) {
  constexpr std::uint64_t width = 20;
  const auto moved = std::min(now.entries_moved, now.entries_total);
  const auto done = moved * width / now.entries_total;
  return " [" + std::string(done, '#') + std::string(width - done, '.') + "] " +
         std::to_string(moved * 100 / now.entries_total) + " % of " +
         std::to_string(now.entries_total) + " entries";
}

/// The step that is under way, and for whom or what it waits.
std::string current(const transition_status& now, std::size_t ahead) {
  if (now.step == "waiting")
    return "waits for " + std::to_string(ahead) + (ahead == 1 ? " other" : " others");
  if (now.entries_total > 0) return now.step + flow_text(now);
  return now.step + " ..." + (now.waiting_for.empty() ? "" : " " + now.waiting_for);
}

} // namespace

std::string progress::on_status(const service_status& now) {
  if (style_ == style::none || id_ == 0) return {};
  std::size_t ahead = 0;
  const transition_status* mine = nullptr;
  for (const auto& t : now.transitions) {
    if (t.id == id_) mine = &t;
    if (!mine) ++ahead;
  }
  if (!mine) return {};
  if (style_ == style::terminal) return erase_line + one_line(*mine, ahead);
  auto text = lines_for(mine->steps);
  auto line = "  " + current(*mine, ahead) + "\n";
  if (line != last_) text += line;
  last_ = std::move(line);
  return text;
}

std::string progress::on_outcome(const history_entry& entry) {
  if (style_ == style::terminal) return erase_line;
  return style_ == style::lines ? lines_for(entry.steps) : std::string();
}

std::string progress::lines_for(const std::vector<step_time>& steps) {
  std::string text;
  for (; told_ < steps.size(); ++told_)
    text += "  " + steps[told_].step + " " + time_text(steps[told_].took) + "\n";
  return text;
}

std::string progress::one_line(const transition_status& now, std::size_t ahead) const {
  std::string line = "  ";
  for (const auto& step : now.steps) line += step.step + " " + time_text(step.took) + ", ";
  line += current(now, ahead);
  // A longer one would wrap, and the rest of it could not be erased.
  if (line.size() >= columns_) line = line.substr(0, columns_ > 4 ? columns_ - 4 : 0) + "...";
  return line;
}

} // namespace instar::instarctl

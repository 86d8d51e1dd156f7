#include "apps/instarctl/text.hpp"

#include "apps/instarctl/json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace instar::instarctl {

namespace {

template <class... Values>
std::string format(const char* how, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), how, values...);
  return text.data();
}

std::string megabytes(std::size_t bytes) {
  return format("%.1f MB", static_cast<double>(bytes) / 1e6);
}

/// What, why it was asked for, and why it did not come about.
std::string told_of(const history_entry& e) {
  auto text = e.what;
  if (!e.cause.empty()) text += (text.empty() ? "" : ", because ") + e.cause;
  if (!e.reason.empty()) text += (text.empty() ? "" : ": ") + e.reason;
  return text;
}

std::chrono::nanoseconds total(const history_entry& e) {
  std::chrono::nanoseconds sum{0};
  for (const auto& step : e.steps) sum += step.took;
  return sum;
}

} // namespace

std::string table(const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return {};
  const auto& heading = rows.front();
  std::vector<std::size_t> widths(heading.size());
  const auto content = [&](std::size_t row, std::size_t column) {
    const auto& cell = rows[row][column];
    return row == 0 && cell.starts_with('>') ? cell.substr(1) : cell;
  };
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < rows[r].size(); ++c)
      widths[c] = std::max(widths[c], content(r, c).size());
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const auto cell = content(r, c);
      const std::string pad(widths[c] - cell.size(), ' ');
      line += (c == 0 ? "" : "  ") + (heading[c].starts_with('>') ? pad + cell : cell + pad);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string to_text(const service_status& s) {
  std::string text = s.name + ": " + s.phase + ", epoch " + std::to_string(s.epoch) + ", pid " +
                     std::to_string(s.pid) + ", instar " + s.version + "\n" + "  graph    " +
                     s.graph_file + "\n" + "  started  " + iso_time(s.started) + "\n" +
                     "  memory   " + megabytes(s.resident_bytes) + "\n" + "  modules  " +
                     std::to_string(s.modules_loaded) + " loaded, " +
                     std::to_string(s.modules_unloaded) + " unloaded, " +
                     std::to_string(s.modules_stuck) + " stuck\n";
  std::vector<std::vector<std::string>> rows{{">TRANSITION", ">EPOCH", "STEP", "WHO", "WHAT"}};
  for (const auto& t : s.transitions)
    rows.push_back({std::to_string(t.id), t.epoch ? std::to_string(t.epoch) : "-", t.step, t.who,
                    t.what + (t.waiting_for.empty() ? "" : "; " + t.waiting_for)});
  if (rows.size() > 1) text += "\n" + table(rows);
  rows = {{"OPERATOR", "TYPE", "PHASE", ">EPOCH", ">IN", ">OUT", ">EVENTS", ">BUSY", ">BLOCKED",
           ">ERRORS", ">RESTARTS", ">ENTRIES"}};
  for (const auto& op : s.operators)
    rows.push_back({op.name, op.reference, op.phase, std::to_string(op.since_epoch),
                    std::to_string(op.packets_in), std::to_string(op.packets_out),
                    std::to_string(op.events),
                    time_text(std::chrono::nanoseconds(static_cast<std::int64_t>(op.busy_ns))),
                    std::to_string(op.blocked), std::to_string(op.errors),
                    std::to_string(op.restarts), std::to_string(op.entries)});
  if (rows.size() > 1) text += "\n" + table(rows);
  rows = {{"ARC", "PAYLOAD", ">QUEUED", ">CAPACITY"}};
  for (const auto& a : s.arcs)
    rows.push_back({a.name + (a.feedback ? " (feedback)" : ""), a.payload, std::to_string(a.queued),
                    std::to_string(a.capacity)});
  if (rows.size() > 1) text += "\n" + table(rows);
  return text;
}

std::string to_text(const std::vector<history_entry>& entries) {
  if (entries.empty()) return "No transitions yet.\n";
  std::vector<std::vector<std::string>> rows{
      {">ID", ">EPOCH", "WHEN", "WHO", "OUTCOME", ">TOOK", ">MARK-COMMIT", "WHAT"}};
  for (const auto& e : entries) {
    const auto committed = e.outcome == transition_outcome::committed;
    rows.push_back({std::to_string(e.id), std::to_string(e.epoch), iso_time(e.when), e.who,
                    to_string(e.outcome), time_text(total(e)),
                    committed ? time_text(e.mark_to_commit) : "-", told_of(e)});
  }
  return table(rows);
}

std::string to_text(const checkpoint_listing& found) {
  if (found.list.empty()) return "No checkpoints in " + found.folder.string() + " yet.\n";
  std::vector<std::vector<std::string>> rows{
      {"FILE", ">EPOCH", "WHEN", ">OPERATORS", ">BYTES", "WHOLE"}};
  for (const auto& [info, damage] : found.list) {
    const bool whole = damage.empty();
    rows.push_back({info.file.filename().string(), std::to_string(info.epoch),
                    whole ? iso_time(info.when) : "-", whole ? std::to_string(info.operators) : "-",
                    std::to_string(info.bytes), whole ? "yes" : "no: " + damage});
  }
  return found.folder.string() + "\n" + table(rows);
}

std::string begun_text(std::uint64_t id) {
  const auto number = std::to_string(id);
  return id == 0 ? "" : "transition " + number + " (instarctl cancel " + number + " gives it up)\n";
}

std::string outcome_text(const history_entry& e) {
  std::string text = to_string(e.outcome);
  if (e.outcome == transition_outcome::unchanged)
    return text + ": the service runs this graph already\n";
  if (e.epoch > 0) text += ", epoch " + std::to_string(e.epoch);
  if (!e.what.empty()) text += ": " + e.what;
  text += "\n";
  if (!e.reason.empty()) text += "  reason: " + e.reason + "\n";
  std::string steps;
  for (const auto& step : e.steps)
    steps += (steps.empty() ? "" : ", ") + step.step + " " + time_text(step.took);
  if (!steps.empty()) text += "  took " + time_text(total(e)) + ": " + steps + "\n";
  if (e.outcome == transition_outcome::committed)
    text += "  first marker to commit: " + time_text(e.mark_to_commit) + "\n";
  return text;
}

std::string time_text(std::chrono::nanoseconds time) {
  const double s = std::chrono::duration<double>(time).count();
  if (s == 0) return "0";
  if (s < 1e-3) return format("%.1f us", s * 1e6);
  if (s < 1) return format("%.2f ms", s * 1e3);
  return format("%.2f s", s);
}

std::string count_text(double n) {
  if (n < 10'000) return format("%.0f", n);
  if (n < 1e6) return format("%.1fk", n / 1e3);
  return format("%.2fM", n / 1e6);
}

} // namespace instar::instarctl

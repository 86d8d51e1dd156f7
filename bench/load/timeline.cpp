#include "timeline.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <ostream>
#include <sstream>
#include <stdexcept>

namespace instar::load {

namespace {

constexpr std::array<std::string_view, outcomes> outcome_names = {
    "ok", "connect", "reset", "closed", "status", "length", "content", "malformed", "timeout"};
constexpr std::array<std::string_view, reopenings> reopening_names = {"no", "idle", "announced",
                                                                      "failure"};

/// The index of a name, or the size of the array.
template <std::size_t N>
std::size_t index_of(const std::array<std::string_view, N>& names, std::string_view wanted) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), wanted) - names.begin());
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[rank];
}

double ms(std::int64_t ns) { return static_cast<double>(ns) / 1e6; }

void add_window(figures& sum, std::vector<double>& latencies,
                const std::vector<request_record>& records, const window& w) {
  std::vector<std::int64_t> answers;
  for (const auto& r : records) {
    if (r.due >= w.end || r.done < w.begin) continue;
    if (r.reopened != reopening::no) {
      ++sum.reopened;
      ++sum.reopened_by_kind[std::string(name(r.reopened))];
    }
    if (r.end != outcome::ok) {
      ++sum.failed;
      ++sum.failed_by_kind[std::string(name(r.end))];
      continue;
    }
    latencies.push_back(ms(r.done - r.due));
    if (r.done < w.end) answers.push_back(r.done);
  }
  sum.requests += answers.size();
  sum.seconds += static_cast<double>(w.end - w.begin) / 1e9;
  answers.push_back(w.end);
  std::sort(answers.begin(), answers.end());
  auto last = w.begin;
  for (auto at : answers) {
    sum.longest_stall_ms = std::max(sum.longest_stall_ms, ms(at - last));
    last = at;
  }
}

} // namespace

std::string_view name(outcome value) { return outcome_names[static_cast<std::size_t>(value)]; }

std::string_view name(reopening value) { return reopening_names[static_cast<std::size_t>(value)]; }

std::vector<std::pair<std::string, std::vector<window>>> read_windows(std::istream& from) {
  std::vector<std::pair<std::string, std::vector<window>>> groups;
  std::string line;
  for (std::size_t number = 1; std::getline(from, line); ++number) {
    if (line.empty()) continue;
    window w;
    if (!(std::istringstream(line) >> w.name >> w.begin >> w.end) || w.end <= w.begin)
      throw std::runtime_error("windows:" + std::to_string(number) +
                               ": no 'NAME BEGIN_NS END_NS' with BEGIN < END");
    auto known = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& group) { return group.first == w.name; });
    if (known == groups.end()) known = groups.insert(groups.end(), {w.name, {}});
    known->second.push_back(w);
  }
  return groups;
}

std::vector<request_record> of_group(const std::vector<request_record>& records,
                                     std::uint8_t group) {
  std::vector<request_record> found;
  std::copy_if(records.begin(), records.end(), std::back_inserter(found),
               [&](const request_record& r) { return r.group == group; });
  return found;
}

std::vector<slice> cut_slices(const std::vector<request_record>& records, std::int64_t begin,
                              std::int64_t end, std::int64_t length) {
  auto count = static_cast<std::size_t>(std::max<std::int64_t>(0, (end - begin) / length));
  std::vector<slice> all(count);
  std::vector<std::vector<double>> latencies(count);
  for (const auto& r : records) {
    auto at = static_cast<std::size_t>((r.done - begin) / length);
    if (r.done < begin || at >= count) continue;
    all[at].reopened += r.reopened != reopening::no ? 1 : 0;
    if (r.end != outcome::ok) ++all[at].failed;
    else latencies[at].push_back(ms(r.done - r.due));
  }
  for (std::size_t at = 0; at < count; ++at) {
    auto& sorted = latencies[at];
    std::sort(sorted.begin(), sorted.end());
    all[at].second = (static_cast<double>(at) + 0.5) * static_cast<double>(length) / 1e9;
    all[at].per_second = static_cast<double>(sorted.size()) * 1e9 / static_cast<double>(length);
    all[at].p50_ms = percentile(sorted, 0.5);
    all[at].p99_ms = percentile(sorted, 0.99);
    all[at].max_ms = sorted.empty() ? 0 : sorted.back();
  }
  return all;
}

void write_slices(std::ostream& to, const std::vector<slice>& slices) {
  to << "second requests_per_s p50_ms p99_ms max_ms failed reopened\n";
  for (const auto& s : slices) {
    char line[160];
    std::snprintf(line, sizeof line, "%.3f %.0f %.3f %.3f %.3f %llu %llu\n", s.second, s.per_second,
                  s.p50_ms, s.p99_ms, s.max_ms, static_cast<unsigned long long>(s.failed),
                  static_cast<unsigned long long>(s.reopened));
    to << line;
  }
}

figures cut(const std::vector<request_record>& records, const std::vector<window>& windows) {
  figures sum;
  std::vector<double> latencies;
  for (const auto& w : windows) add_window(sum, latencies, records, w);
  std::sort(latencies.begin(), latencies.end());
  sum.p50_ms = percentile(latencies, 0.5);
  sum.p99_ms = percentile(latencies, 0.99);
  sum.p999_ms = percentile(latencies, 0.999);
  sum.max_ms = latencies.empty() ? 0 : latencies.back();
  return sum;
}

std::string json_members(const figures& of, std::string_view prefix) {
  std::string text;
  auto add = [&](std::string_view key, double value) {
    char number[32];
    std::snprintf(number, sizeof number, "%.10g", value);
    text += text.empty() ? "" : ", ";
    text += '"';
    text += prefix;
    text += key;
    text += "\": ";
    text += number;
  };
  add("seconds", of.seconds);
  add("requests", static_cast<double>(of.requests));
  add("requests_per_s", of.per_second());
  add("p50_ms", of.p50_ms);
  add("p99_ms", of.p99_ms);
  add("p999_ms", of.p999_ms);
  add("max_ms", of.max_ms);
  add("failed_requests", static_cast<double>(of.failed));
  for (const auto& [kind, count] : of.failed_by_kind)
    add("failed_" + kind, static_cast<double>(count));
  add("reopened_connections", static_cast<double>(of.reopened));
  for (const auto& [kind, count] : of.reopened_by_kind)
    add("reopened_" + kind, static_cast<double>(count));
  add("longest_stall_ms", of.longest_stall_ms);
  return text;
}

std::string text_line(const figures& of) {
  char text[256];
  std::snprintf(text, sizeof text,
                "%.0f requests/s, latency ms p50 %.3f p99 %.3f p999 %.3f max %.3f, longest stall "
                "%.1f ms, %llu failed, %llu reopened",
                of.per_second(), of.p50_ms, of.p99_ms, of.p999_ms, of.max_ms, of.longest_stall_ms,
                static_cast<unsigned long long>(of.failed),
                static_cast<unsigned long long>(of.reopened));
  std::string line = text;
  for (const auto& [kind, count] : of.failed_by_kind)
    line += ", failed by " + kind + " " + std::to_string(count);
  for (const auto& [kind, count] : of.reopened_by_kind)
    line += ", reopened after " + kind + " " + std::to_string(count);
  return line;
}

void write_csv(std::ostream& to, const std::vector<request_record>& records) {
  to << "due_ns,sent_ns,done_ns,client,outcome,reopened,group\n";
  for (const auto& r : records)
    to << r.due << ',' << r.sent << ',' << r.done << ',' << r.client << ',' << name(r.end) << ','
       << name(r.reopened) << ',' << static_cast<unsigned>(r.group) << '\n';
}

std::vector<request_record> read_csv(const std::filesystem::path& file) {
  std::ifstream from(file);
  std::string line;
  if (!std::getline(from, line))
    throw std::runtime_error(file.string() + ": cannot be read or is empty");
  std::vector<request_record> records;
  for (std::size_t number = 2; std::getline(from, line); ++number) {
    request_record r;
    long long due = 0, sent = 0, done = 0;
    unsigned client = 0, group = 0;
    char end[16] = "", reopened[16] = "";
    int fields = std::sscanf(line.c_str(), "%lld,%lld,%lld,%u,%15[a-z],%15[a-z],%u", &due, &sent,
                             &done, &client, end, reopened, &group);
    auto how = index_of(outcome_names, end), why = index_of(reopening_names, reopened);
    if (fields != 7 || how == outcomes || why == reopenings)
      throw std::runtime_error(file.string() + ":" + std::to_string(number) +
                               ": not a line of a timeline; write it with instar-load --csv");
    r.due = due, r.sent = sent, r.done = done;
    r.client = static_cast<std::uint16_t>(client);
    r.end = static_cast<outcome>(how);
    r.reopened = static_cast<reopening>(why);
    r.group = static_cast<std::uint8_t>(group);
    records.push_back(r);
  }
  return records;
}

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

} // namespace instar::load

#include "timeline.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <ostream>
#include <stdexcept>

namespace instar::load {

namespace {

constexpr std::array<std::string_view, outcomes> outcome_names = {
    "ok", "connect", "reset", "closed", "status", "length", "content", "malformed", "timeout"};

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
    sum.reopened += r.reopened ? 1 : 0;
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
    line += ", " + kind + " " + std::to_string(count);
  return line;
}

void write_csv(std::ostream& to, const std::vector<request_record>& records) {
  to << "due_ns,sent_ns,done_ns,client,outcome,reopened\n";
  for (const auto& r : records)
    to << r.due << ',' << r.sent << ',' << r.done << ',' << r.client << ',' << name(r.end) << ','
       << (r.reopened ? 1 : 0) << '\n';
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
    unsigned client = 0, reopened = 0;
    char kind[16] = "";
    int fields = std::sscanf(line.c_str(), "%lld,%lld,%lld,%u,%15[a-z],%u", &due, &sent, &done,
                             &client, kind, &reopened);
    auto found = std::find(outcome_names.begin(), outcome_names.end(), kind);
    if (fields != 6 || found == outcome_names.end())
      throw std::runtime_error(file.string() + ":" + std::to_string(number) +
                               ": not a line of a timeline; write it with instar-load --csv");
    r.due = due, r.sent = sent, r.done = done;
    r.client = static_cast<std::uint16_t>(client);
    r.end = static_cast<outcome>(found - outcome_names.begin());
    r.reopened = reopened != 0;
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

#include "apps/instarctl/trace.hpp"

#include "apps/instarctl/json.hpp"
#include "apps/instarctl/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>

namespace instar::instarctl {

namespace {

/// Gaps that are remembered for the quantiles.
constexpr std::size_t most_gaps = std::size_t{1} << 20;

template <class... Values>
std::string format(const char* how, Values... values) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), how, values...);
  return text.data();
}

double ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// In the local time zone, as people have it on their clocks.
std::string time_of_day(std::chrono::system_clock::time_point when) {
  const auto since = when.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(since - seconds);
  const std::time_t whole = seconds.count();
  std::tm parts{};
  ::localtime_r(&whole, &parts);
  return format("%02d:%02d:%02d.%06lld", parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<long long>(rest.count()));
}

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

} // namespace

void trace_summary::add(const traced_packet& p) {
  ++told_;
  if (p.gap.count() < 0) return;
  longest_ = std::max(longest_, p.gap);
  if (told_ % every_ == 0) gaps_.push_back(p.gap);
  if (gaps_.size() < most_gaps) return;
  for (std::size_t i = 0; i < most_gaps / 2; ++i) gaps_[i] = gaps_[2 * i];
  gaps_.resize(most_gaps / 2);
  every_ *= 2;
}

std::chrono::nanoseconds trace_summary::gap(double quantile) const {
  if (gaps_.empty()) return {};
  const auto at = std::min(gaps_.size() - 1,
                           static_cast<std::size_t>(quantile * static_cast<double>(gaps_.size())));
  const auto nth = gaps_.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(gaps_.begin(), nth, gaps_.end());
  return *nth;
}

double trace_summary::per_second(const trace_end& end) {
  const auto seconds = std::chrono::duration<double>(end.took).count();
  return seconds > 0 ? static_cast<double>(end.totals.packets) / seconds : 0;
}

std::string trace_summary::text(const trace_end& end) const {
  const auto n = [](std::uint64_t number) { return std::to_string(number); };
  std::string text = n(end.totals.packets) + " packets in " +
                     format("%.2f s, %.0f per second",
                            std::chrono::duration<double>(end.took).count(), per_second(end)) +
                     "\n";
  if (!gaps_.empty())
    text += "gaps: median " + time_text(gap(0.5)) + ", p99 " + time_text(gap(0.99)) + ", longest " +
            time_text(longest_) + "\n";
  if (end.totals.dropped > 0) text += n(end.totals.dropped) + " dropped\n";
  if (told_ < end.totals.packets)
    text += n(end.totals.packets - told_) + " not shown" +
            (end.totals.left_out > 0
                 ? ", " + n(end.totals.left_out) + " of them came faster than they could be fetched"
                 : "") +
            "\n";
  return text;
}

nlohmann::json trace_summary::json(const trace_end& end) const {
  return {{"summary",
           {{"packets", end.totals.packets},
            {"shown", told_},
            {"dropped", end.totals.dropped},
            {"left_out", end.totals.left_out},
            {"seconds", std::chrono::duration<double>(end.took).count()},
            {"per_second", per_second(end)},
            {"gap_p50_ms", ms(gap(0.5))},
            {"gap_p99_ms", ms(gap(0.99))},
            {"gap_max_ms", ms(longest_)},
            {"removed", end.removed}}}};
}

std::string to_text(const traced_packet& p) {
  const auto gap = p.gap.count() < 0 ? std::string("first") : format("%+.3f ms", ms(p.gap));
  return time_of_day(p.when) + format("  %13s", gap.c_str()) + "  key " + std::to_string(p.key) +
         "  " + p.payload + (p.dropped ? "  dropped" : "") + "\n";
}

nlohmann::json to_json(const traced_packet& p) {
  return {{"time", iso_time(p.when)},
          {"when_ns", p.when.time_since_epoch().count()},
          {"gap_ms", p.gap.count() < 0 ? nlohmann::json() : nlohmann::json(ms(p.gap))},
          {"key", p.key},
          {"payload", p.payload},
          {"dropped", p.dropped}};
}

exit_code trace(admin_client& service, const options& o) {
  trace_summary summary;
  std::uint64_t shown = 0;
  trace_watcher watch;
  watch.signals = {SIGINT, SIGTERM};
  watch.lasts = o.lasts;
  watch.begun = [&](const std::string& arc, const std::string& on_it) {
    if (!o.json)
      std::fprintf(stderr, "%s is on %s; Ctrl-C takes it off\n", on_it.c_str(), arc.c_str());
  };
  watch.packets = [&](const std::vector<traced_packet>& packets) {
    std::string lines;
    for (const auto& p : packets) {
      if (o.key && p.key != *o.key) continue;
      if (o.count > 0 && shown == o.count) break;
      ++shown;
      summary.add(p);
      if (o.summary) continue;
      lines += o.json ? dump(to_json(p), false) + "\n" : to_text(p);
    }
    print(lines);
    std::fflush(stdout);
    return !std::ferror(stdout) && (o.count == 0 || shown < o.count);
  };
  const auto end = service.trace({o.arc, o.delay, o.drop, o.seed, o.deadline}, watch);
  if (!end) {
    std::fprintf(stderr, "instarctl: %s\n", end.error().message.c_str());
    const auto code = end.error().code;
    return code == errc::refused || code == errc::bad_input ? exit_code::refused
                                                            : exit_code::no_answer;
  }
  print(o.json ? dump(summary.json(*end), false) + "\n" : summary.text(*end));
  std::fflush(stdout);
  if (end->removed.empty()) return exit_code::done;
  std::fprintf(stderr, "instarctl: the trace has ended, its operator is off the arc: %s\n",
               end->removed.c_str());
  return exit_code::no_answer;
}

} // namespace instar::instarctl

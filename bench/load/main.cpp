#include "generator.hpp"
#include "groups.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <fstream>
#include <iostream>
#include <utility>

using namespace instar::load;

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void on_signal(int) { stop_asked = 1; }

struct arguments {
  std::string url, root, list, csv, windows, slices;
  std::vector<std::string> groups;
  std::size_t clients = 1, files = 1;
  double duration_s = 10, period_ms = 0, timeout_ms = 5000, slice_ms = 100;
  std::uint64_t seed = 1;
  bool json = false;
};

std::chrono::nanoseconds ns(double value, double unit) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(value * unit));
}

/// The clients of `-c`, with what they ask for.
client_group plain_group(const arguments& given, const std::string& path, target_set& targets) {
  if (given.list.empty()) {
    for (std::size_t i = 0; i < given.files; ++i) targets.add(expand(path, i), given.root);
  } else {
    std::ifstream list(given.list);
    for (std::string line; std::getline(list, line);)
      if (!line.empty()) targets.add(line, given.root);
    if (targets.size() == 0)
      throw std::runtime_error(given.list + ": no paths in it; write one per line");
  }
  return {given.clients, 0, targets.size(), ns(given.period_ms, 1e6)};
}

client_group add_group(const group_text& text, const arguments& given, target_set& targets) {
  client_group group{text.clients, targets.size(), text.files, ns(text.period_ms, 1e6)};
  for (std::size_t i = 0; i < text.files; ++i) targets.add(expand(text.path, i), given.root);
  return group;
}

/// Written while the load runs, read after it.
std::vector<std::pair<std::string, std::vector<window>>> windows_of(const arguments& given) {
  if (given.windows.empty()) return {};
  std::ifstream from(given.windows);
  if (!from) throw std::runtime_error(given.windows + ": cannot be read");
  return read_windows(from);
}

/// The figures of all windows of some of the records; `suffix` tells which.
void tell(const run_result& result, const std::vector<request_record>& records,
          const std::string& suffix, const arguments& given, std::string& json) {
  auto one = [&](const std::string& name, const std::vector<window>& windows) {
    auto of = cut(records, windows);
    if (given.json) json += ", " + json_members(of, name.empty() ? "" : name + "_");
    else std::cout << (name.empty() ? "" : name + ": ") << text_line(of) << "\n";
  };
  one(suffix, {{"all", result.begin, result.end}});
  for (const auto& [name, windows] : windows_of(given))
    one(suffix.empty() ? name : name + "_" + suffix, windows);
}

template <class Write>
void write_file(const std::string& path, Write write) {
  if (path.empty()) return;
  std::ofstream to(path);
  write(to);
  if (!to.flush()) throw std::runtime_error(path + ": cannot be written");
}

void write_slices(const run_result& result, const std::vector<request_record>& records,
                  const std::string& suffix, const arguments& given) {
  if (given.slices.empty()) return;
  write_file(given.slices + (suffix.empty() ? "" : "." + suffix), [&](std::ostream& to) {
    write_slices(to,
                 cut_slices(records, result.begin, result.end, ns(given.slice_ms, 1e6).count()));
  });
}

void tell_start(std::int64_t begin) { std::cerr << "start_ns=" << begin << std::endl; }

int measure(const arguments& given) {
  run_options options;
  options.server = parse_url(given.url);
  options.duration = ns(given.duration_s, 1e9);
  options.timeout = ns(given.timeout_ms, 1e6);
  options.seed = given.seed;
  target_set targets(options.server.host);
  std::vector<std::string> names;
  for (const auto& text : given.groups) {
    auto group = parse_group(text);
    names.push_back(group.name);
    options.groups.push_back(add_group(group, given, targets));
  }
  if (names.empty()) options.groups = {plain_group(given, options.server.path, targets)};
  if (names.size() > 256) throw std::runtime_error("more than 256 groups");

  auto result = run(options, targets, tell_start, &stop_asked);
  write_file(given.csv, [&](std::ostream& to) { write_csv(to, result.records); });
  std::string json;
  tell(result, result.records, "", given, json);
  write_slices(result, result.records, "", given);
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto records = of_group(result.records, static_cast<std::uint8_t>(i));
    tell(result, records, names[i], given, json);
    write_slices(result, records, names[i], given);
  }
  if (given.json)
    std::cout << "{\"start_ns\": " << result.begin << ", \"end_ns\": " << result.end << json
              << "}\n";
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app("Keep-alive HTTP/1.1 clients that check every answer and time every request.\n"
               "Times are CLOCK_MONOTONIC; the start is printed to stderr as start_ns=...; cut "
               "windows out of --csv with instar-cut.");
  app.add_option("url", given.url,
                 "http://127.0.0.1:PORT/PATH; {} or {5} in it becomes 0 .. files-1, with 5 digits")
      ->required();
  app.add_option("-c,--clients", given.clients, "Connections")->check(CLI::Range(1, 60000));
  app.add_option("-d,--duration", given.duration_s, "Seconds")->check(CLI::PositiveNumber);
  app.add_option("--group", given.groups,
                 "NAME,PATH,CLIENTS[,FILES[,PERIOD_MS]]: clients of their own instead of -c, with "
                 "figures NAME_... of their own; may be repeated, all groups run at once")
      ->allow_extra_args(false);
  app.add_option("--period", given.period_ms,
                 "Open loop: ms between the requests of one client; latency counts from the time "
                 "a request was due. Without it: closed loop")
      ->check(CLI::PositiveNumber);
  app.add_option("--files", given.files, "Ask for one of N files at random, named by {}")
      ->check(CLI::PositiveNumber);
  app.add_option("--list", given.list, "Ask for one of the paths in this file at random")
      ->check(CLI::ExistingFile);
  app.add_option("--root", given.root,
                 "Folder that is served: compare every body with its file, byte by byte")
      ->check(CLI::ExistingDirectory);
  app.add_option("--timeout", given.timeout_ms, "ms after which a request has failed")
      ->check(CLI::PositiveNumber);
  app.add_option("--seed", given.seed, "Of the random choice of files");
  app.add_option("--csv", given.csv, "Write the timeline, one line per request");
  app.add_option("--windows", given.windows,
                 "After the run, also figures of the windows in this file: lines as instar-cut "
                 "takes them");
  app.add_option("--slices", given.slices,
                 "Write rate and latencies over time for a picture, a line per slice; with groups "
                 "also FILE.NAME for each");
  app.add_option("--slice", given.slice_ms, "ms of a slice")->check(CLI::PositiveNumber);
  app.add_flag("--json", given.json, "Print figures as one flat JSON object");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  try {
    return measure(given);
  } catch (const std::exception& error) {
    std::cerr << "instar-load: " << error.what() << "\n";
    return 1;
  }
}

#include "generator.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <fstream>
#include <iostream>

using namespace instar::load;

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void on_signal(int) { stop_asked = 1; }

struct arguments {
  std::string url, root, list, csv;
  std::size_t clients = 1, files = 1;
  double duration_s = 10, period_ms = 0, timeout_ms = 5000;
  std::uint64_t seed = 1;
  bool json = false;
};

std::chrono::nanoseconds ns(double value, double unit) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(value * unit));
}

void add_targets(target_set& targets, const arguments& given, const std::string& path) {
  if (given.list.empty()) {
    for (std::size_t i = 0; i < given.files; ++i) targets.add(expand(path, i), given.root);
    return;
  }
  std::ifstream list(given.list);
  for (std::string line; std::getline(list, line);)
    if (!line.empty()) targets.add(line, given.root);
  if (targets.size() == 0)
    throw std::runtime_error(given.list + ": no paths in it; write one per line");
}

void tell_start(std::int64_t begin) { std::cerr << "start_ns=" << begin << std::endl; }

int measure(const arguments& given) {
  run_options options;
  options.server = parse_url(given.url);
  options.clients = given.clients;
  options.duration = ns(given.duration_s, 1e9);
  options.period = ns(given.period_ms, 1e6);
  options.timeout = ns(given.timeout_ms, 1e6);
  options.seed = given.seed;
  target_set targets(options.server.host);
  add_targets(targets, given, options.server.path);

  auto result = run(options, targets, tell_start, &stop_asked);
  auto all = cut(result.records, {{"all", result.begin, result.end}});
  if (given.json)
    std::cout << "{\"start_ns\": " << result.begin << ", \"end_ns\": " << result.end << ", "
              << json_members(all, "") << "}\n";
  else std::cout << text_line(all) << "\n";
  if (!given.csv.empty()) {
    std::ofstream csv(given.csv);
    write_csv(csv, result.records);
    if (!csv.flush()) throw std::runtime_error(given.csv + ": cannot be written");
  }
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

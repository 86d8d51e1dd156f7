// random_graphs [--rounds N] [--from SEED] | --seed SEED | --case FILE [--rounds N]
//
// Random graphs, changed at random moments on random schedules, with faults: after each run the
// oracle says whether everything that has to hold did. What fails is printed with its seed and as a
// small case that can be run again.

#include "random_generator.hpp"
#include "random_run.hpp"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <unistd.h>

using namespace instar;
using namespace instar::test;

namespace {

volatile std::uint64_t current_seed = 0;

/// A crash is told with its seed as well.
void on_crash(int signal) {
  char line[80];
  const int n = std::snprintf(line, sizeof line, "\nsignal %d in seed %llu\n", signal,
                              static_cast<unsigned long long>(current_seed));
  if (n > 0) (void)!write(STDERR_FILENO, line, static_cast<std::size_t>(n));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct totals {
  std::size_t cases = 0, messages = 0, under_load = 0, lost = 0;
  std::size_t committed = 0, rolled_back = 0, refused = 0, unchanged = 0;

  void add(const run_result& r) {
    ++cases;
    messages += r.messages;
    under_load += r.under_load;
    lost += r.lost;
    committed += r.committed;
    rolled_back += r.rolled_back;
    refused += r.refused;
    unchanged += r.unchanged;
  }
};

/// Whether the case of this seed keeps the invariants; tells if not.
bool try_seed(std::uint64_t seed, totals& all) {
  current_seed = seed;
  const auto made = make_case(seed);
  const auto text = to_text(made);
  auto result = run_case(made);
  if (const auto again = parse_case(text); !again || to_text(*again) != text)
    result.breach = "its text is not the case:\n" + text;
  all.add(result);
  if (!result.breach) return true;
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), result.breach->c_str());
  std::fflush(stdout);
  const auto small = shrink(made);
  std::printf("a smaller case, to be run with --case FILE: %s\n\n# seed %llu\n%s\n",
              run_case(small).breach.value_or("(does not fail)").c_str(),
              static_cast<unsigned long long>(seed), to_text(small).c_str());
  return false;
}

/// On so many schedules, the case's own first.
int run_file(const std::string& name, std::uint64_t rounds) {
  std::ifstream in(name);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto read = in ? parse_case(text) : failure{errc::system, "it cannot be read"};
  if (!read) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), read.error().message.c_str());
    return 2;
  }
  for (std::uint64_t i = 0; i < rounds; ++i, ++read->schedule) {
    const auto result = run_case(*read);
    std::printf("schedule %llu: %zu messages; %s\n",
                static_cast<unsigned long long>(read->schedule), result.messages,
                result.breach.value_or("all held").c_str());
    if (result.breach) return 1;
  }
  return 0;
}

int usage() {
  std::fputs("usage: test_random_graphs [--rounds N] [--from SEED] | --seed SEED [--print] | "
             "--case FILE [--rounds N]\n",
             stderr);
  return 2;
}

} // namespace

int main(int count, char** arguments) {
  std::uint64_t from = 1;
  std::optional<std::uint64_t> rounds;
  bool print = false;
  std::string file;
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    if (option == "--print") {
      print = true;
      continue;
    }
    if (++i == count) return usage();
    if (option == "--case") {
      file = arguments[i];
      continue;
    }
    const auto number = std::strtoull(arguments[i], nullptr, 10);
    if (option == "--rounds") rounds = number;
    else if (option == "--from") from = number;
    else if (option == "--seed") from = number, rounds = 1;
    else return usage();
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGBUS}) std::signal(signal, on_crash);
  if (!file.empty()) return run_file(file, rounds.value_or(1));
  if (print)
    std::printf("# seed %llu\n%s", static_cast<unsigned long long>(from),
                to_text(make_case(from)).c_str());
  totals all;
  std::size_t failed = 0;
  for (std::uint64_t i = 0; i < rounds.value_or(5000) && failed < 3; ++i)
    failed += !try_seed(from + i, all);
  std::printf("%zu cases, %zu messages: %zu transitions committed, %zu rolled back, %zu refused, "
              "%zu without a difference; %zu asked for under load; %zu services lost an actor; "
              "%zu cases failed\n",
              all.cases, all.messages, all.committed, all.rolled_back, all.refused, all.unchanged,
              all.under_load, all.lost, failed);
  return failed == 0 ? 0 : 1;
}

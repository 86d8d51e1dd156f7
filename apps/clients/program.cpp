#include "apps/clients/program.hpp"

#include <CLI/CLI.hpp>

#include <pthread.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>

namespace instar::clients {

namespace {

constexpr int wrong_command_line = 64;

/// SIGTERM and SIGINT, blocked in all threads that are made after it and waited for by one.
class stop_signals {
public:
  stop_signals() {
    sigemptyset(&these_);
    sigaddset(&these_, SIGTERM);
    sigaddset(&these_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &these_, nullptr);
  }

  /// Until one comes, or so many seconds have passed; 0 = only until one comes.
  void wait(double seconds) const {
    using clock = std::chrono::steady_clock;
    const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>(seconds));
    while (true) {
      if (seconds <= 0) {
        int came = 0;
        if (sigwait(&these_, &came) == 0) return;
        continue;
      }
      const auto left = std::chrono::nanoseconds(end - clock::now()).count();
      if (left <= 0) return;
      const timespec limit{left / 1'000'000'000, left % 1'000'000'000};
      if (sigtimedwait(&these_, nullptr, &limit) >= 0 || errno == EAGAIN) return;
    }
  }

private:
  sigset_t these_{};
};

int run(const program& what, const options& given) {
  const stop_signals signals;
  crowd clients(given.clients, what.prepare(given));
  signals.wait(given.seconds);
  const auto seen = clients.stop();
  if (!given.json) std::fprintf(stderr, "%s: %s\n", what.name.c_str(), to_text(seen).c_str());
  else if (!seen.first_failure.empty())
    std::fprintf(stderr, "%s: first failure: %s\n", what.name.c_str(), seen.first_failure.c_str());
  std::printf("%s\n", to_json(seen).c_str());
  return seen.clean() && seen.answers > 0 ? 0 : 1;
}

} // namespace

int run_program(const program& what, int argc, char** argv) {
  options given;
  CLI::App app(what.about, what.name);
  app.add_option("-p,--port", given.port, "Port of the service")
      ->required()
      ->check(CLI::Range(1, 65535));
  app.add_option("--host", given.host, "Where it runs (default 127.0.0.1)");
  app.add_option("-c,--clients", given.clients, "Clients, each with a thread (default 1)")
      ->check(CLI::Range(1, 1000));
  app.add_option("-s,--seconds", given.seconds,
                 "How long they ask (default 10); 0: until SIGTERM or SIGINT")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--json", given.json, "Only the figures, as one JSON object");
  if (what.add_options) what.add_options(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : wrong_command_line;
  }
  try {
    return run(what, given);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", what.name.c_str(), e.what());
    return wrong_command_line;
  }
}

} // namespace instar::clients

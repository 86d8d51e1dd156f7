#include "apps/instard/options.hpp"

#include "apps/common/command_line.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <utility>

namespace instar::instard {

namespace {

constexpr auto footer = R"(Signals:
  SIGTERM, SIGINT   no new work, finish what is open (at most --drain), exit; a second one exits at once

Exit codes:
  0   stopped after everything was drained, or --check found nothing wrong
  1   failed at run time, or stopped before everything was drained
  2   wrong command line or graph file; each mistake is one line on stderr

Once the service runs, one line goes to stdout:
  ready NAME pid=PID admin=SOCKET listening=ADDRESS:PORT,...

Examples:
  instard --graph http.toml --admin run/admin.sock
  instard --graph http.toml --set accept.port=8080 --set load.root=/srv/www
  instard --graph http.toml --check
  instard --graph kv.toml --checkpoints var/kv
  instard --restore var/kv --checkpoints var/kv

--set overrides a setting of the graph file. It is kept for graphs that instarctl applies later, as
far as they have an operator of that name with that setting; relative paths start where instard was
started. Modules are looked for in --modules, what is missing there in the graph file's `modules`,
and what is missing there too in the folders that came with instard. The log goes to stderr.

--restore takes the newest checkpoint that is whole, and says which it passed over. With --graph, the
operators of that graph begin with the states that the checkpoint has under their names, as after an
update; if there is no checkpoint yet, the service starts anew. State that nobody goes on from is
refused without --drop-state.)";

std::chrono::nanoseconds duration(const std::string& option, const std::string& text) {
  const auto value = apps::parse_duration(text);
  if (!value) throw CLI::ValidationError(option, value.error().message);
  return *value;
}

} // namespace

std::variant<options, exit_code> parse_command_line(int argc, const char* const* argv) {
  options o;
  std::vector<std::string> sets, modules;
  std::string deadline = "5s", drain = "30s";
  o.admin = apps::default_admin_socket();
  o.log_level = "info";

  CLI::App app("Runs a service from its graph file; instarctl looks at it and changes it live.",
               "instard");
  app.footer(footer);
  app.set_version_flag("--version", std::string("instard ") + INSTAR_VERSION);
  app.add_option("--graph", o.graph, "The service's graph file")->type_name("FILE");
  app.add_option("--admin", o.admin, "Where instarctl reaches it; default $INSTAR_ADMIN")
      ->type_name("SOCKET")
      ->capture_default_str();
  app.add_option("--set", sets, "Override a setting of the graph file; may be repeated")
      ->type_name("OPERATOR.KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--modules", modules, "A folder or file with operators; may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  app.add_option("--workers", o.workers, "Threads that run operators; 0 = one per core, but one")
      ->type_name("N")
      ->check(CLI::Range(0, 1024));
  app.add_option("--deadline", deadline, "For changes that come without one")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--drain", drain, "How long open work may take at the end")
      ->type_name("TIME")
      ->capture_default_str();
  app.add_option("--log-level", o.log_level, "debug, info, warning, error or off")
      ->type_name("LEVEL")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
  app.add_option("--checkpoints", o.checkpoints, "Where checkpoints are written; made if need be")
      ->type_name("DIR");
  auto* restore =
      app.add_option("--restore", o.restore,
                     "Go on from the newest whole checkpoint, with its graph or --graph")
          ->type_name("DIR");
  app.add_option("--drop-state", o.drop, "With --restore: it may be lost; may be repeated")
      ->type_name("OPERATOR")
      ->allow_extra_args(false)
      ->needs(restore);
  app.add_flag("--check", o.check, "Check the graph file, say what is wrong, and exit");
  try {
    app.parse(argc, argv);
    if (o.graph.empty() && o.restore.empty()) throw CLI::RequiredError("--graph");
    o.deadline = duration("--deadline", deadline);
    o.drain = duration("--drain", drain);
    auto overrides = apps::parse_overrides(sets);
    if (!overrides) throw CLI::ValidationError("--set", overrides.error().message);
    o.overrides = *std::move(overrides);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e), exit_code::ok;
    std::cerr << "instard: " << e.what() << "; see instard --help\n";
    return exit_code::bad_input;
  }
  for (const auto& place : modules) o.modules.push_back(std::filesystem::absolute(place));
  return o;
}

} // namespace instar::instard

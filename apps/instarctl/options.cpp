#include "apps/instarctl/options.hpp"

#include "apps/common/command_line.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <iostream>
#include <optional>
#include <utility>

namespace instar::instarctl {

namespace {

constexpr auto footer = R"(Exit codes:
  0   done; for plan and diff: no change
  1   the service cannot be reached, or did not answer
  2   for plan and diff: a change
  3   refused, nothing has changed
  4   rolled back, the old version serves with its state
  64  wrong command line

Examples:
  instarctl status
  instarctl graph --dot | dot -Tsvg > graph.svg
  instarctl plan http-nio.toml
  instarctl apply http-nio.toml --deadline 2s
  instarctl apply http.toml --set load.root=/srv/www
  instarctl update load=http.load@2 reply=http.reply@2
  instarctl rollback
  instarctl diff 3 5
  instarctl cancel 7
  instarctl checkpoint && instarctl checkpoints
  instarctl history -n 5 --json
  instarctl top --interval 1s --count 10
  instarctl trace 'parse -> load' --count 20
  instarctl policy why busy
  instarctl scaffold v1/kv.capnp:Kv1 v2/kv2.capnp:Kv2 -o convert.cpp

instarctl COMMAND --help says more.)";

constexpr auto apply_footer =
    R"(The file is read here and checked by the service. What the service was started
with by --set still holds where it fits; --set given here counts for this file only, and wins.
If instarctl is interrupted, the change goes on; instarctl history tells its outcome.)";

constexpr auto rollback_footer =
    R"(A rollback is a change like any other: states are carried over, the usual checks may refuse it,
and it gets an epoch of its own. Without --to, a second one undoes the first.)";

constexpr auto checkpoint_footer =
    R"(The file is in the folder that the service was started with (instard --checkpoints DIR), and is
whole or not there at all. Nobody waits for it, but loops are emptied first. `instard --restore DIR`
goes on from it. `checkpoint_every = "10s"` in the graph file writes one now and then, and
`checkpoint_keep = 3` says how many stay.)";

constexpr auto diff_footer =
    R"(FILE         the running graph against that of a file (./7 if its name is a number)
EPOCH        the graph that ran after the commit of that epoch against the running one
EPOCH EPOCH  the graphs of two epochs
nothing      the running graph against the file that it came from

Nothing is checked as for a plan; what a check complains of is told, but does not hinder. Exit
codes are those of plan; 3 if there is nothing to compare with.)";

constexpr auto trace_footer =
    R"(ARC is 'FROM -> TO' or 'FROM.PORT -> TO.PORT', as `instarctl graph` lists them. An operator is put
on it, as a change like any other, which tells of every packet: when, how long after the one
before, key and type. At the end (Ctrl-C, --count, --for) it is taken off again, also if instarctl
dies or loses its connection. Former graphs, which `rollback` goes back to, never have it. It goes
away with the next `apply` or `rollback`, too; an `update` leaves it there.

Exit codes: 0 if it ended as it was told to, 1 if the service or somebody else has ended it, 3 if
it was refused.)";

constexpr auto policy_footer =
    R"(A policy is an operator of the type instar.policy@1 in the graph: it watches what the service
measures, and asks for a change when its rule holds. What it asked for is in `instarctl history` as
well. Exit code 3: there is no such policy.)";

constexpr auto scaffold_footer = R"(OLD and NEW are each one of
  FILE.capnp:Struct   a struct of a schema file
  MODULE.so:TYPE      the state of an operator in a module; TYPE@VERSION if it has several
  TYPE@VERSION        the same, from the modules in --modules

Writes a C++ file with a converter there and back. Fields of the same name whose types fit are
filled in, the others are marked TODO. No service is asked, and no code of a module is run.)";

/// The texts of options that are parsed after CLI11 has done its part.
struct raw_texts {
  std::vector<std::string> sets, updates, sides;
  std::string deadline, interval = "1s", lasts, delay;
};

void add_common(CLI::App& to, options& o) {
  to.add_option("--admin", o.admin, "Socket of the service; default $INSTAR_ADMIN")
      ->type_name("SOCKET")
      ->capture_default_str();
  to.add_flag("--json", o.json, "Print JSON");
}

void add_sets(CLI::App& to, raw_texts& raw) {
  to.add_option("--set", raw.sets, "Override a setting of the file; may be repeated")
      ->type_name("OPERATOR.KEY=VALUE")
      ->allow_extra_args(false);
}

void add_consent(CLI::App& to, options& o) {
  to.add_option("--drop-state", o.drop_state,
                "The state of this operator may be lost, if its new version cannot take it over; "
                "may be repeated")
      ->type_name("OPERATOR")
      ->allow_extra_args(false);
}

void add_change(CLI::App& to, options& o, raw_texts& raw) {
  to.add_option("--deadline", raw.deadline, "Give up after that; default: the service's")
      ->type_name("TIME");
  add_consent(to, o);
  auto* quiet = to.add_flag("-q,--quiet", o.quiet, "Do not print the plan and the progress");
  to.add_flag("-v,--verbose", o.verbose,
              "Print a line for each step, also where there is no terminal")
      ->excludes(quiet);
}

void add_trace(CLI::App& to, options& o, raw_texts& raw) {
  to.add_option("ARC", o.arc, "The arc, as 'FROM -> TO'")->required();
  to.add_option("--key", o.key, "Only packets with this key")->type_name("KEY");
  to.add_option("--count", o.count, "End after so many")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  to.add_option("--for", raw.lasts, "End after that")->type_name("TIME");
  to.add_flag("--summary", o.summary, "Print no lines, only the summary at the end");
  to.add_option("--delay", raw.delay, "Hold every packet so long")->type_name("TIME");
  to.add_option("--drop", o.drop, "Drop packets with this probability")
      ->type_name("0..1")
      ->check(CLI::Range(0.0, 1.0));
  to.add_option("--seed", o.seed, "Of the choice what is dropped")
      ->type_name("N")
      ->capture_default_str();
  to.add_option("--deadline", raw.deadline, "Give up to put it on after that")->type_name("TIME");
  to.footer(trace_footer);
}

void add_policy(CLI::App& to, options& o) {
  const auto add = [&](policy_command what, const char* name, const char* help) -> CLI::App& {
    auto& sub = *to.add_subcommand(name, help);
    sub.callback([&o, what] { o.policy = what; });
    add_common(sub, o);
    return sub;
  };
  add(policy_command::list, "list", "Where each policy is, and what it waits for");
  auto& why = add(policy_command::why, "why", "What a policy measures, and did for what reason");
  why.add_option("NAME", o.names, "Which; default: all");
  for (auto* sub : {&add(policy_command::pause, "pause",
                         "Lets a policy ask for nothing, until it is resumed; also over updates"),
                    &add(policy_command::resume, "resume", "Lets a policy go on")}) {
    auto* names = sub->add_option("NAME", o.names, "Which");
    sub->add_flag("--all", o.all, "All of them")->excludes(names);
  }
  to.require_subcommand(1);
  to.footer(policy_footer);
}

void add_scaffold(CLI::App& to, options& o) {
  to.add_option("OLD", o.old_side, "What the state is in")->required();
  to.add_option("NEW", o.new_side, "What it is to become")->required();
  to.add_option("--modules", o.modules, "Folder or file of modules; may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  to.add_option("-o,--output", o.output, "File to write; default: standard output")
      ->type_name("FILE");
  to.footer(scaffold_footer);
}

void add_commands(CLI::App& app, options& o, raw_texts& raw) {
  const auto add = [&](command what, const char* name, const char* help) -> CLI::App& {
    auto& sub = *app.add_subcommand(name, help);
    sub.callback([&o, what] { o.what = what; });
    add_common(sub, o);
    return sub;
  };
  add(command::status, "status", "What runs, and how busy it is");

  auto& graph = add(command::graph, "graph", "The graph that runs");
  graph.add_flag("--dot", o.dot, "Print it for Graphviz");

  auto& plan = add(command::plan, "plan", "What a change would do, and whether it would work");
  auto* file = plan.add_option("FILE", o.file, "The wanted graph");
  plan.add_option("--update", raw.updates, "Instead of a file: operators to exchange")
      ->type_name("OPERATOR=TYPE@VERSION")
      ->excludes(file);
  add_sets(plan, raw);
  add_consent(plan, o);

  auto& apply = add(command::apply, "apply", "Turn the running graph into that of a file, live");
  apply.add_option("FILE", o.file, "The wanted graph")->required();
  add_sets(apply, raw);
  add_change(apply, o, raw);
  apply.footer(apply_footer);

  auto& update = add(command::update, "update", "Exchange operators of the running graph, live");
  update.add_option("UPDATES", raw.updates, "What to exchange, all at the same epoch")
      ->type_name("OPERATOR=TYPE@VERSION")
      ->required();
  add_change(update, o, raw);

  auto& rollback = add(command::rollback, "rollback", "Back to the graph that ran before, live");
  rollback.add_option("--to", o.to, "The epoch whose graph is wanted; default: what ran before")
      ->type_name("EPOCH")
      ->check(CLI::PositiveNumber);
  add_change(rollback, o, raw);
  rollback.footer(rollback_footer);

  auto& checkpoint =
      add(command::checkpoint, "checkpoint", "Write what all operators have at one cut to a file");
  add_change(checkpoint, o, raw);
  checkpoint.footer(checkpoint_footer);
  add(command::checkpoints, "checkpoints", "The checkpoints that there are, newest first");

  auto& cancel = add(command::cancel, "cancel", "Give up a change that waits or runs");
  auto* id = cancel.add_option("ID", o.id, "Which, as `status` says; default: the only one")
                 ->check(CLI::PositiveNumber);
  cancel.add_flag("--all", o.all, "All of them")->excludes(id);

  auto& diff = add(command::diff, "diff", "The difference of two graphs");
  diff.add_option("GRAPHS", raw.sides, "FILE, EPOCH or EPOCH EPOCH")->expected(0, 2);
  add_sets(diff, raw);
  diff.footer(diff_footer);

  auto& history = add(command::history, "history", "The transitions so far, latest last");
  history.add_option("-n", o.entries, "How many")->type_name("N")->capture_default_str();

  auto& top = add(command::top, "top", "Rates of each operator, again and again");
  top.add_option("--interval", raw.interval, "Time between two looks, 100ms to 5min")
      ->type_name("TIME")
      ->capture_default_str();
  top.add_option("--count", o.count, "How many looks; 0 = until interrupted")
      ->type_name("N")
      ->capture_default_str();

  add_policy(add(command::policy, "policy", "Policies: what they do, and why"), o);
  add_scaffold(add(command::scaffold, "scaffold", "Begin a converter between two states"), o);
  add_trace(add(command::trace, "trace", "Show the packets that pass an arc"), o, raw);
}

template <class T>
T or_throw(const std::string& option, result<T> parsed) {
  if (!parsed) throw CLI::ValidationError(option, parsed.error().message);
  return *std::move(parsed);
}

std::optional<epoch_t> epoch_of(const std::string& text) {
  epoch_t epoch = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, epoch);
  if (error != std::errc{} || rest != end || epoch == 0) return std::nullopt;
  return epoch;
}

void finish(options& o, const raw_texts& raw) {
  o.overrides = or_throw("--set", apps::parse_overrides(raw.sets));
  for (const auto& text : raw.updates) o.updates.push_back(or_throw("update", parse_update(text)));
  if (!raw.deadline.empty())
    o.deadline = or_throw("--deadline", apps::parse_duration(raw.deadline));
  if (!raw.lasts.empty()) o.lasts = or_throw("--for", apps::parse_duration(raw.lasts));
  if (!raw.delay.empty()) o.delay = or_throw("--delay", apps::parse_duration(raw.delay));
  if (o.delay > std::chrono::hours(1))
    throw CLI::ValidationError("--delay", "'" + raw.delay + "' is longer than 1h");
  o.interval = or_throw("--interval", apps::parse_duration(raw.interval));
  if (o.interval < std::chrono::milliseconds(100) || o.interval > std::chrono::minutes(5))
    throw CLI::ValidationError("--interval", "'" + raw.interval + "' is not in 100ms to 5min");
  for (const auto& side : raw.sides) {
    const auto epoch = epoch_of(side);
    if (epoch) o.epochs.push_back(*epoch);
    else if (raw.sides.size() == 1) o.file = side;
    else throw CLI::ValidationError("diff", "'" + side + "' is no epoch; give FILE or EPOCH EPOCH");
  }
  const bool pauses = o.policy == policy_command::pause || o.policy == policy_command::resume;
  if (o.what == command::policy && pauses && o.names.empty() && !o.all)
    throw CLI::ValidationError("policy", "needs a NAME or --all");
  if (o.what == command::plan && o.file.empty() && o.updates.empty())
    throw CLI::ValidationError("plan", "needs a FILE or --update OPERATOR=TYPE@VERSION");
}

} // namespace

std::variant<options, exit_code> parse_command_line(int argc, const char* const* argv) {
  options o;
  raw_texts raw;
  o.admin = apps::default_admin_socket();
  CLI::App app("Looks at a service that instard runs, and changes it while it runs.", "instarctl");
  app.footer(footer);
  app.set_version_flag("--version", std::string("instarctl ") + INSTAR_VERSION);
  app.require_subcommand(1);
  add_common(app, o);
  add_commands(app, o, raw);
  try {
    app.parse(argc, argv);
    finish(o, raw);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e), exit_code::done;
    std::cerr << "instarctl: " << e.what() << "; see instarctl --help\n";
    return exit_code::bad_usage;
  }
  return o;
}

} // namespace instar::instarctl

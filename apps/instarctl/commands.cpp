#include "apps/instarctl/commands.hpp"

#include "actors/graph_text.hpp"
#include "apps/common/command_line.hpp"
#include "apps/instarctl/flow_order.hpp"
#include "apps/instarctl/json.hpp"
#include "apps/instarctl/policy.hpp"
#include "apps/instarctl/progress.hpp"
#include "apps/instarctl/rates.hpp"
#include "apps/instarctl/scaffold.hpp"
#include "apps/instarctl/text.hpp"
#include "apps/instarctl/trace.hpp"
#include "lifecycle/admin_client.hpp"
#include "lifecycle/plan_text.hpp"

#include <nlohmann/json.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <utility>

namespace instar::instarctl {

namespace {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print(const nlohmann::json& value, bool indented = true) {
  print(dump(value, indented) + "\n");
}

exit_code complain(const failure& why, exit_code code) {
  std::fprintf(stderr, "instarctl: %s\n", why.message.c_str());
  return code;
}

/// Prints an answer, or why there is none.
template <class T, class Json, class Text>
exit_code show(const result<T>& answer, const options& o, Json json, Text text) {
  if (!answer) return complain(answer.error(), exit_code::no_answer);
  if (o.json) print(json(*answer));
  else print(text(*answer));
  return exit_code::done;
}

result<service_status> look_at(admin_client& service) {
  auto status = service.status();
  if (status) sort_by_flow(*status);
  return status;
}

exit_code show_status(admin_client& service, const options& o) {
  return show(
      look_at(service), o, [](const service_status& s) { return to_json(s); },
      [](const service_status& s) { return to_text(s); });
}

exit_code show_graph(admin_client& service, const options& o) {
  return show(
      service.current_graph(), o, [](const graph& g) { return to_json(g); },
      [&](const graph& g) { return o.dot ? to_dot(g) : instar::to_text(g); });
}

exit_code show_history(admin_client& service, const options& o) {
  return show(
      service.history(o.entries), o, [](const std::vector<history_entry>& h) { return to_json(h); },
      [](const std::vector<history_entry>& h) { return to_text(h); });
}

exit_code show_checkpoints(admin_client& service, const options& o) {
  const auto found = service.checkpoints();
  if (found && found->folder.empty())
    return complain({errc::refused, "the service has no folder for checkpoints; start it with "
                                    "instard --checkpoints DIR"},
                    exit_code::refused);
  return show(
      found, o, [](const checkpoint_listing& l) { return to_json(l); },
      [](const checkpoint_listing& l) { return to_text(l); });
}

exit_code show_top(admin_client& service, const options& o) {
  const bool redraw = !o.json && ::isatty(STDOUT_FILENO);
  auto before = look_at(service);
  if (!before) return complain(before.error(), exit_code::no_answer);
  auto seen = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; o.count == 0 || i < o.count; ++i) {
    std::this_thread::sleep_until(seen + o.interval);
    auto after = look_at(service);
    if (!after) return complain(after.error(), exit_code::no_answer);
    const auto now = std::chrono::steady_clock::now();
    const auto rates = rates_between(*before, *after, now - seen);
    if (o.json) print(to_json(*after, rates), false);
    else print((redraw ? "\x1b[H\x1b[2J" : "") + to_text(*after, rates) + (redraw ? "" : "\n"));
    before = std::move(after);
    seen = now;
  }
  return exit_code::done;
}

/// What the command line wants the graph to become.
result<wanted_change> wanted_of(const options& o) {
  if (o.what == command::rollback) return wanted_change(rollback_to{o.to});
  if (o.what == command::checkpoint) return wanted_change(checkpoint_wish{});
  if (!o.updates.empty()) return wanted_change(o.updates);
  auto text = apps::read_graph_text(o.file, o.overrides);
  if (!text) return text.error();
  return wanted_change(*std::move(text));
}

/// The two sides of `diff`, and how they are called.
struct comparison {
  named_graph from, to;
  std::string title;
};

result<comparison> compared(admin_client& service, const options& o) {
  const auto name = [](epoch_t epoch) { return "epoch " + std::to_string(epoch); };
  if (o.epochs.size() == 2)
    return comparison{o.epochs[0], o.epochs[1], name(o.epochs[0]) + " -> " + name(o.epochs[1])};
  if (o.epochs.size() == 1) return comparison{o.epochs[0], {}, name(o.epochs[0]) + " -> running"};
  auto file = o.file;
  if (file.empty()) {
    const auto running = service.current_graph();
    if (!running) return running.error();
    file = running->origin;
  }
  auto text = apps::read_graph_text(file, o.overrides);
  if (!text) return text.error();
  return comparison{{}, *std::move(text), "running -> " + file.string()};
}

exit_code show_difference(admin_client& service, const options& o) {
  const auto sides = compared(service, o);
  if (!sides) return complain(sides.error(), exit_code::refused);
  const auto plan = service.compare(sides->from, sides->to);
  if (!plan) return complain(plan.error(), exit_code::no_answer);
  if (o.json) print(plan_json(*plan));
  else print(sides->title + "\n" + difference_text(*plan));
  if (plan->operators.empty() && plan->refused()) return exit_code::refused;
  return plan->changes() ? exit_code::would_change : exit_code::done;
}

exit_code show_plan(admin_client& service, const options& o, const wanted_change& wanted) {
  const auto plan = service.plan(wanted, o.drop_state);
  if (!plan) return complain(plan.error(), exit_code::no_answer);
  if (o.json) print(plan_json(*plan));
  else print(to_text(*plan));
  if (plan->refused()) return exit_code::refused;
  return plan->empty() ? exit_code::done : exit_code::would_change;
}

progress::style style_of(const options& o) {
  if (o.quiet || o.json) return progress::style::none;
  if (o.verbose) return progress::style::lines;
  return ::isatty(STDERR_FILENO) ? progress::style::terminal : progress::style::none;
}

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void print_news(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

exit_code code_of(transition_outcome outcome) {
  switch (outcome) {
  case transition_outcome::unchanged:
  case transition_outcome::committed:
    return exit_code::done;
  case transition_outcome::refused:
    return exit_code::refused;
  case transition_outcome::rolled_back:
    break;
  }
  return exit_code::rolled_back;
}

/// The plan that is shown is of the graph that runs now; if other changes wait, the service makes
/// another when the turn comes, so a refusal in it is not the last word.
exit_code make_change(admin_client& service, const options& o, const wanted_change& wanted) {
  nlohmann::json shown;
  if (!o.quiet && o.what != command::checkpoint) {
    const auto plan = service.plan(wanted, o.drop_state);
    if (!plan) return complain(plan.error(), exit_code::no_answer);
    if (o.json) shown["plan"] = plan_json(*plan);
    else print(to_text(*plan));
  }
  const bool talks = !o.quiet && !o.json;
  progress news(style_of(o), columns());
  change_watcher watch;
  watch.begun = [&](std::uint64_t id) {
    news.begun(id);
    if (talks) print(begun_text(id));
  };
  if (talks) watch.progress = [&](const service_status& s) { print_news(news.on_status(s)); };
  const auto entry = service.apply(wanted, o.deadline, watch, o.drop_state);
  print_news(news.on_outcome(entry ? *entry : history_entry{}));
  if (!entry) return complain(entry.error(), exit_code::no_answer);
  if (o.json) {
    shown["outcome"] = to_json(*entry);
    print(shown);
  } else {
    print(outcome_text(*entry));
  }
  return code_of(entry->outcome);
}

exit_code cancel(admin_client& service, const options& o) {
  const auto answers = service.cancel(o.id, o.all);
  if (!answers) return complain(answers.error(), exit_code::no_answer);
  auto code = exit_code::done;
  for (const auto& a : *answers) {
    if (!a.refusal.empty()) code = exit_code::refused;
    if (o.json) continue;
    if (a.refusal.empty()) print("cancelled transition " + std::to_string(a.id) + "\n");
    else std::fprintf(stderr, "instarctl: %s\n", a.refusal.c_str());
  }
  if (o.json) print(to_json(*answers));
  else if (answers->empty()) print(std::string("no transition runs or waits\n"));
  return code;
}

} // namespace

exit_code run(const options& o) {
  if (o.what == command::scaffold) return write_scaffold(o);
  wanted_change wanted;
  if (o.what == command::plan || o.what == command::apply || o.what == command::update ||
      o.what == command::rollback || o.what == command::checkpoint) {
    auto given = wanted_of(o);
    if (!given) return complain(given.error(), exit_code::refused);
    wanted = *std::move(given);
  }
  auto service = admin_client::connect(o.admin);
  if (!service) return complain(service.error(), exit_code::no_answer);
  switch (o.what) {
  case command::status:
    return show_status(**service, o);
  case command::graph:
    return show_graph(**service, o);
  case command::cancel:
    return cancel(**service, o);
  case command::checkpoints:
    return show_checkpoints(**service, o);
  case command::diff:
    return show_difference(**service, o);
  case command::history:
    return show_history(**service, o);
  case command::top:
    return show_top(**service, o);
  case command::trace:
    return trace(**service, o);
  case command::policy:
    return policies(**service, o);
  case command::plan:
    return show_plan(**service, o, wanted);
  case command::apply:
  case command::update:
  case command::rollback:
  case command::checkpoint:
    return make_change(**service, o, wanted);
  case command::scaffold:
    break; // needs no service
  }
  return exit_code::bad_usage;
}

} // namespace instar::instarctl

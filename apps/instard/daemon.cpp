#include "apps/instard/daemon.hpp"

#include "apps/common/command_line.hpp"
#include "apps/instard/events.hpp"
#include "apps/instard/graph_intake.hpp"
#include "apps/instard/listening.hpp"
#include "apps/instard/restoring.hpp"
#include "lifecycle/admin_server.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "lifecycle/service.hpp"
#include "services/memcache/table.hpp"
#include "services/net/reactor.hpp"

#include <spdlog/spdlog.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace instar::instard {

namespace {

void print_mistakes(const std::vector<failure>& mistakes) {
  for (const auto& m : mistakes) std::fprintf(stderr, "%s\n", m.message.c_str());
}

transition_plan plan_of(service& with, const graph& target,
                        const std::optional<restore_request>& restore) {
  std::promise<transition_plan> answer;
  const auto done = [&](transition_plan made) { answer.set_value(std::move(made)); };
  if (restore) with.plan(target, *restore, done);
  else with.plan(target, done);
  return answer.get_future().get();
}

/// Every connection is a file: takes all that this user may have.
void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

service_options options_of(const options& o, net::reactor& sockets,
                           std::shared_ptr<checkpoint_store> checkpoints) {
  service_options s;
  // One core is left to the kernel's network stack and to whoever shares the machine.
  const auto cores = std::thread::hardware_concurrency();
  s.workers = o.workers > 0 ? o.workers : std::max(2u, cores) - 1;
  s.events = &sockets;
  s.deadline = o.deadline;
  s.version = INSTAR_VERSION;
  s.checkpoints = std::move(checkpoints);
  return s;
}

/// The service and what it needs, in the order of their dependence.
class daemon {
public:
  daemon(const options& o, std::shared_ptr<checkpoint_store> checkpoints)
      : options_(o), signals_(events_), intake_(o.modules, installed_modules()),
        service_(with_reader(options_of(o, reactor_, std::move(checkpoints)))) {
    service_.offer(net::reactor::resource_name, &reactor_);
    service_.offer(memcache::tables::resource_name, &tables_);
    service_.on_end([this](std::string why) { events_.post(ended_event{std::move(why)}); });
  }

  exit_code run() {
    raise_file_limit();
    auto found = find_restore(options_);
    if (!found) return print_mistakes({found.error()}), exit_code::bad_input;
    auto& restore = *found;
    auto file = wanted_graph(restore);
    if (file.mistakes.empty()) file.mistakes = plan_of(service_, file.content, restore).refusals;
    if (!file.mistakes.empty()) return print_mistakes(file.mistakes), exit_code::bad_input;
    if (options_.check) return say_checked(file.content);
    intake_.remember(options_.overrides, std::filesystem::current_path());
    name_ = file.content.name;
    if (auto open = open_admin(); !open) return print_mistakes({open.error()}), exit_code::failed;
    const auto applied = [this](history_entry e) { events_.post(applied_event{std::move(e)}); };
    transition_request request{std::move(file.content), "instard", options_.deadline};
    if (restore) service_.restore(std::move(request), *std::move(restore), applied);
    else service_.apply(std::move(request), applied);
    restore.reset(); // the file need not stay open
    if (auto open = admin_->start(); !open)
      return print_mistakes({open.error()}), exit_code::failed;
    while (!over_) {
      const auto next = events_.wait();
      std::visit([this](const auto& e) { on(e); }, next);
    }
    admin_->stop();
    return outcome_;
  }

private:
  /// The graph to begin with: the file's, or else the checkpoint's.
  graph_file wanted_graph(const std::optional<restore_request>& restore) {
    if (options_.graph.empty())
      return intake_.adopt(restore->from->content(), options_.overrides,
                           std::filesystem::current_path());
    const auto text = apps::read_graph_text(options_.graph, options_.overrides);
    if (text) return intake_.read(*text);
    graph_file none;
    none.mistakes.push_back(text.error());
    return none;
  }

  exit_code say_checked(const graph& checked) {
    const auto& where = options_.graph.empty() ? options_.restore : options_.graph;
    std::printf("%s: good, %zu operators, %zu arcs\n", where.c_str(), checked.operators.size(),
                checked.arcs.size());
    return exit_code::ok;
  }

  /// On the threads of the admin server and of policies.
  graph_file read(const graph_text& text) {
    std::lock_guard lock(intake_guard_);
    return intake_.read(text);
  }

  service_options with_reader(service_options s) {
    s.read_graph = [this](const std::filesystem::path& file) {
      const auto text = apps::read_graph_text(file, {});
      if (text) return read(*text);
      graph_file none;
      none.mistakes.push_back(text.error());
      return none;
    };
    return s;
  }

  result<void> open_admin() {
    admin_options o;
    o.socket = options_.admin;
    o.version = INSTAR_VERSION;
    o.read_graph = [this](const graph_text& text) { return read(text); };
    auto claimed = admin_server::claim(service_, std::move(o));
    if (!claimed) return claimed.error();
    admin_ = *std::move(claimed);
    return {};
  }

  void on(const applied_event& e) {
    if (e.entry.outcome != transition_outcome::committed &&
        e.entry.outcome != transition_outcome::unchanged) {
      spdlog::error("the service does not start: {}", e.entry.reason);
      outcome_ = exit_code::failed;
      over_ = true;
    } else if (!stopping_) {
      say_ready();
    }
  }

  void on(const signal_event&) {
    if (stopping_) {
      // Not even destructors are waited for: an operator may be stuck in one.
      spdlog::warn("stops at once; what was open is lost");
      admin_->stop();
      spdlog::shutdown();
      std::_Exit(exit_code::failed);
    }
    spdlog::info("stops; finishes what is open, a second signal stops at once");
    stop();
  }

  void on(const ended_event& e) {
    spdlog::error("the service ends by itself: {}", e.reason);
    outcome_ = exit_code::failed;
    if (!stopping_) stop();
  }

  void on(const stopped_event& e) {
    over_ = true;
    if (e.entry.reason.empty()) return spdlog::info("stopped");
    spdlog::warn("stopped before everything was finished: {}", e.entry.reason);
    outcome_ = exit_code::failed;
  }

  void stop() {
    stopping_ = true;
    service_.stop("instard", options_.drain,
                  [this](history_entry e) { events_.post(stopped_event{std::move(e)}); });
  }

  void say_ready() {
    std::string addresses;
    for (const auto& a : listening_addresses()) addresses += (addresses.empty() ? "" : ",") + a;
    std::printf("ready %s pid=%d admin=%s%s%s\n", name_.c_str(), static_cast<int>(::getpid()),
                options_.admin.c_str(), addresses.empty() ? "" : " listening=", addresses.c_str());
    std::fflush(stdout);
  }

  const options& options_;
  event_queue events_;
  signal_watch signals_;
  std::mutex intake_guard_;
  graph_intake intake_;
  net::reactor reactor_;
  memcache::tables tables_;
  service service_;
  std::unique_ptr<admin_server> admin_;
  std::string name_;
  bool stopping_ = false;
  bool over_ = false;
  exit_code outcome_ = exit_code::ok;
};

} // namespace

exit_code run(const options& o) {
  std::shared_ptr<checkpoint_store> checkpoints;
  if (!o.checkpoints.empty() && !o.check) {
    auto claimed = checkpoint_store::claim(o.checkpoints);
    if (!claimed) return print_mistakes({claimed.error()}), exit_code::failed;
    checkpoints = *std::move(claimed);
  }
  return daemon(o, std::move(checkpoints)).run();
}

} // namespace instar::instard

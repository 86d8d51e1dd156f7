#include "lifecycle/service.hpp"

#include "actors/blocking_pool.hpp"
#include "actors/call_ports.hpp"
#include "actors/descriptors.hpp"
#include "actors/local_scheduler.hpp"
#include "lifecycle/admin_actor.hpp"
#include "lifecycle/own_operators.hpp"
#include "lifecycle/policy_desk.hpp"
#include "lifecycle/service_metrics.hpp"
#include "lifecycle/supervisor.hpp"
#include "lifecycle/trace_hub.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <charconv>
#include <mutex>
#include <thread>
#include <utility>

namespace instar {

result<operator_update> parse_update(std::string_view text) {
  const auto wrong = [&] {
    return failure{errc::bad_input, "'" + std::string(text) +
                                        "' is no update; write OPERATOR=TYPE@VERSION, for example "
                                        "load=http.load@2"};
  };
  const auto equals = text.find('=');
  const auto at = text.rfind('@');
  if (equals == text.npos || at == text.npos || equals == 0 || at <= equals + 1) return wrong();
  operator_update update;
  update.name = text.substr(0, equals);
  update.type = text.substr(equals + 1, at - equals - 1);
  const auto digits = text.substr(at + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), update.version);
  if (error != std::errc{} || end != digits.data() + digits.size() || update.version == 0)
    return wrong();
  return update;
}

namespace {

struct system_config : caf::actor_system_config {
  explicit system_config(const service_options& options) {
    const auto workers = options.workers > 0
                             ? options.workers
                             : std::max<std::size_t>(1, std::thread::hardware_concurrency());
    load<local_scheduler>();
    set("scheduler.max-threads", workers);
    set("scheduler.max-throughput", std::size_t{1}); // messages before another actor's turn
  }
};

} // namespace

// In the order of their dependence: each is destroyed before what stands above it.
struct service::parts {
  service_options options;
  std::shared_ptr<operator_library> operators;
  std::mutex end_guard;
  std::function<void(std::string)> end;
  trace_hub traces;
  descriptors open;
  call_ports calls;
  runner_environment environment;
  system_config config;
  caf::actor_system system;
  service_metrics seen;
  policy_desk policies;
  std::unique_ptr<blocking_pool> pool; // its threads send to actors: joined before the system ends
  caf::actor supervisor, admin;

  explicit parts(service_options given)
      : options(std::move(given)), config(options), system(config) {}

  void order(wanted_graph wanted, std::string who, std::chrono::nanoseconds deadline, bool stops,
             std::function<void(history_entry)> done, accepted begun = {}, consent drop_state = {},
             std::shared_ptr<const restore_request> restore = nullptr) {
    auto order = std::make_shared<transition_order>();
    order->wanted = std::move(wanted);
    order->who = std::move(who);
    order->deadline = deadline;
    order->stops = stops;
    order->drop_state = std::move(drop_state);
    order->done = std::move(done);
    order->accepted = std::move(begun);
    order->restore = std::move(restore);
    caf::anon_send(admin, order_message{std::move(order)});
  }

  void plan(wanted_graph wanted, std::function<void(transition_plan)> done,
            consent drop_state = {}) {
    caf::anon_send(admin, plan_message{std::make_shared<wanted_graph>(std::move(wanted)),
                                       std::move(drop_state), std::move(done)});
  }
};

service::service(service_options options) : parts_(std::make_unique<parts>(std::move(options))) {
  auto& p = *parts_;
  auto from = p.options.operators ? p.options.operators
                                  : std::make_shared<module_library>(p.options.scratch);
  p.operators = std::make_shared<library_with_own>(std::move(from));
  p.environment.resources.emplace(std::string(trace_hub::resource_name), &p.traces);
  p.environment.resources.emplace(std::string(call_ports::resource_name), &p.calls);
  p.environment.resources.emplace(std::string(metrics::resource_name),
                                  static_cast<metrics*>(&p.seen));
  p.environment.resources.emplace(std::string(descriptors::resource_name), &p.open);
  p.environment.resources.emplace(std::string(policy_desk::resource_name), &p.policies);
  if (p.options.events)
    static_cast<local_scheduler&>(p.system.scheduler()).attach(*p.options.events);
  p.pool = std::make_unique<blocking_pool>(std::max<std::size_t>(1, p.options.blocking_threads));
  p.environment.pool = p.pool.get();
  supervisor_setup setup;
  setup.options = &p.options;
  setup.operators = p.operators.get();
  setup.environment = &p.environment;
  setup.on_end = [&p](std::string reason) {
    std::lock_guard lock(p.end_guard);
    if (auto call = std::exchange(p.end, nullptr)) call(std::move(reason));
  };
  // A thread of its own: it reads and maps modules, and its deadlines must fire whatever the
  // workers are busy with.
  p.supervisor = p.system.spawn<instar::supervisor, caf::detached>(std::move(setup));
  p.admin = p.system.spawn<admin_actor>(p.supervisor);
  p.seen.attach(p.admin);
  p.policies.attach(
      p.admin, p.options.read_graph ? p.options.read_graph : [](const std::filesystem::path& file) {
        return read_graph(file);
      });
}

service::~service() {
  auto& p = *parts_;
  caf::anon_send_exit(p.admin, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(p.supervisor, caf::exit_reason::user_shutdown);
  p.admin = nullptr;
  p.supervisor = nullptr;
  p.system.await_all_actors_done();
  p.pool.reset();
}

void service::offer(std::string_view resource_name, void* resource) {
  parts_->environment.resources.insert_or_assign(std::string(resource_name), resource);
}

void service::plan(graph target, std::function<void(transition_plan)> done, consent drop_state) {
  parts_->plan(std::move(target), std::move(done), std::move(drop_state));
}

void service::plan(std::vector<operator_update> updates, std::function<void(transition_plan)> done,
                   consent drop_state) {
  parts_->plan(std::move(updates), std::move(done), std::move(drop_state));
}

void service::plan(rollback_to former, std::function<void(transition_plan)> done,
                   consent drop_state) {
  parts_->plan(former, std::move(done), std::move(drop_state));
}

void service::plan(graph_edit edit, std::function<void(transition_plan)> done) {
  parts_->plan(std::move(edit), std::move(done));
}

void service::plan(checkpoint_wish wish, std::function<void(transition_plan)> done) {
  parts_->plan(wish, std::move(done));
}

void service::plan(graph target, restore_request from, std::function<void(transition_plan)> done) {
  caf::anon_send(parts_->admin, plan_message{std::make_shared<wanted_graph>(std::move(target)),
                                             {},
                                             std::move(done),
                                             std::make_shared<restore_request>(std::move(from))});
}

void service::compare(compared_graph from, compared_graph to,
                      std::function<void(transition_plan)> done) {
  auto graphs =
      std::make_shared<std::pair<compared_graph, compared_graph>>(std::move(from), std::move(to));
  caf::anon_send(parts_->admin, compare_message{std::move(graphs), std::move(done)});
}

void service::apply(transition_request request, std::function<void(history_entry)> done,
                    accepted begun) {
  parts_->order(std::move(request.target), std::move(request.who), request.deadline, false,
                std::move(done), std::move(begun), std::move(request.drop_state));
}

void service::restore(transition_request request, restore_request from,
                      std::function<void(history_entry)> done, accepted begun) {
  parts_->order(std::move(request.target), std::move(request.who), request.deadline, false,
                std::move(done), std::move(begun), {},
                std::make_shared<restore_request>(std::move(from)));
}

void service::checkpoint(std::string who, std::chrono::nanoseconds deadline,
                         std::function<void(history_entry)> done, accepted begun) {
  parts_->order(checkpoint_wish{}, std::move(who), deadline, false, std::move(done),
                std::move(begun));
}

void service::checkpoints(std::function<void(checkpoint_listing)> done) {
  const auto store = parts_->options.checkpoints;
  if (!store) return done({});
  // Reading may take a while: on the pool.
  parts_->pool->run([folder = store->path(), done = std::move(done)] {
    done({folder, list_checkpoints(folder)});
  });
}

void service::update(std::vector<operator_update> updates, std::string who,
                     std::chrono::nanoseconds deadline, std::function<void(history_entry)> done,
                     accepted begun, consent drop_state) {
  parts_->order(std::move(updates), std::move(who), deadline, false, std::move(done),
                std::move(begun), std::move(drop_state));
}

void service::rollback(rollback_to former, std::string who, std::chrono::nanoseconds deadline,
                       std::function<void(history_entry)> done, accepted begun,
                       consent drop_state) {
  parts_->order(former, std::move(who), deadline, false, std::move(done), std::move(begun),
                std::move(drop_state));
}

void service::edit(graph_edit what, std::string who, std::chrono::nanoseconds deadline,
                   std::function<void(history_entry)> done, accepted begun) {
  parts_->order(std::move(what), std::move(who), deadline, false, std::move(done),
                std::move(begun));
}

void service::cancel(cancel_request which, std::function<void(std::vector<cancel_answer>)> done) {
  caf::anon_send(parts_->admin, cancel_message{std::move(which), std::move(done)});
}

void service::stop(std::string who, std::chrono::nanoseconds deadline,
                   std::function<void(history_entry)> done) {
  parts_->order(graph{}, std::move(who), deadline, true, std::move(done));
}

void service::status(std::function<void(service_status)> done) {
  caf::anon_send(parts_->admin, status_message{std::move(done)});
}

void service::current_graph(std::function<void(graph)> done) {
  caf::anon_send(parts_->admin, graph_message{std::move(done)});
}

void service::history(std::function<void(std::vector<history_entry>)> done) {
  caf::anon_send(parts_->admin, history_message{std::move(done)});
}

trace_hub& service::traces() { return parts_->traces; }

call_ports& service::calls() { return parts_->calls; }

policy_desk& service::policies() { return parts_->policies; }

void service::on_end(std::function<void(std::string reason)> callback) {
  std::lock_guard lock(parts_->end_guard);
  parts_->end = std::move(callback);
}

} // namespace instar

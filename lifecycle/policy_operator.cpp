#include "lifecycle/policy_operator.hpp"

#include "actors/context.hpp"
#include "lifecycle/policy_state.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace instar {

namespace {

/// On its way from the supervisor to whoever is the policy then.
struct policy_outcome final : payload {
  static constexpr std::string_view payload_name = "instar.policy.outcome";

  explicit policy_outcome(history_entry of) : entry(std::move(of)) {}
  std::string_view type_name() const noexcept override { return payload_name; }

  const history_entry entry;
};

policy_rule rule_of(const settings& values) {
  auto read = read_policy(values);
  std::string all;
  for (const auto& m : read.mistakes) all += (all.empty() ? "" : "; ") + m;
  if (!all.empty()) throw std::invalid_argument(all);
  return std::move(read.rule);
}

history_entry refused(const std::vector<failure>& mistakes) {
  history_entry made;
  made.outcome = transition_outcome::refused;
  for (const auto& m : mistakes) made.reason += (made.reason.empty() ? "" : "; ") + m.message;
  return made;
}

} // namespace

policy_operator::policy_operator(const settings& values) : core_(rule_of(values)) {}

void policy_operator::on_start(context& ctx) {
  desk_ = &ctx.host<policy_desk>();
  const bool fresh = !box_;
  if (fresh) box_ = desk_->open(ctx.name());
  policy_box::guard held(*box_);
  held.set_name(ctx.name());
  if (fresh || says_paused_) held.set_paused(core_.paused(), core_.paused_by());
  show(held);
  tick_ = static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
  ctx.set_timer(core_.rule().every, tick_);
}

/// A timer of its predecessor comes, too, and is none of its own.
void policy_operator::on_timer(context& ctx, std::uint64_t tick) {
  if (tick == tick_) look(ctx);
}

void policy_operator::look(context& ctx) {
  struct view {
    std::optional<observation> seen;
    clock::time_point at;
  };
  const auto taken = std::make_shared<view>();
  ctx.run_blocking(
      [&all = ctx.host<metrics>(), taken] {
        try {
          taken->seen = all.look();
          taken->at = clock::now();
        } catch (const std::runtime_error&) { // the service ends
        }
      },
      [this, taken, before = outcomes_](context& then) {
        if (!taken->seen) return;
        // One that may have begun before the outcome was there shows what is over.
        if (before == outcomes_) judge(then, taken->at, *taken->seen);
        then.set_timer(core_.rule().every, tick_);
      });
}

void policy_operator::judge(context& ctx, clock::time_point at, const observation& seen) {
  std::vector<metric_reading> readings;
  for (const auto& metric : core_.rule().metrics) readings.push_back(read_metric(metric, seen));
  std::optional<policy::request> wanted;
  {
    policy_box::guard held(*box_);
    core_.pause(at, held.paused(), held.by());
    wanted = core_.look(at, std::move(readings), place_in(core_.rule(), seen.status));
    if (wanted && wanted->action.graph.empty()) order(ctx, wanted->action.updates, wanted->cause);
    show(held);
  }
  if (wanted) ctx.log(log_level::info, "asks to " + wanted->action.text() + ": " + wanted->cause);
  if (wanted && !wanted->action.graph.empty()) read_and_order(ctx, *std::move(wanted));
  if (const auto trouble = core_.take_trouble())
    ctx.log(log_level::warning, "does nothing, because a metric of its rule cannot be read: " +
                                    *trouble + "; correct the rule, and apply its graph file");
}

void policy_operator::read_and_order(context& ctx, policy::request wanted) {
  const auto file = std::make_shared<graph_file>();
  ctx.run_blocking(
      [desk = desk_, file, path = wanted.action.graph] { *file = desk->read_graph(path); },
      [this, file, cause = std::move(wanted.cause)](context& then) {
        policy_box::guard held(*box_);
        if (held.paused()) core_.withdraw("it was paused meanwhile");
        else if (file->mistakes.empty()) order(then, std::move(file->content), cause);
        else core_.on_outcome(clock::now(), refused(file->mistakes));
        show(held);
      });
}

void policy_operator::order(context& ctx, wanted_graph wanted, std::string cause) {
  desk_->order(std::move(wanted), "policy " + std::string(ctx.name()), std::move(cause),
               core_.rule().deadline, [to = ctx.events()](history_entry e) {
                 to->post(event{make_payload<policy_outcome>(std::move(e)), 0});
               });
}

void policy_operator::on_events(context&, std::span<event> events) {
  for (const auto& one : events) {
    if (!one.source || one.source->type_name() != policy_outcome::payload_name) continue;
    ++outcomes_;
    core_.on_outcome(clock::now(), static_cast<const policy_outcome&>(*one.source).entry);
  }
  policy_box::guard held(*box_);
  show(held);
}

void policy_operator::show(policy_box::guard& in) const {
  in.show(core_.status(clock::now(), std::chrono::system_clock::now()));
}

// -- state ----------------------------------------------------------------------------------------

void policy_operator::save(state_writer& into) const {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto memory = core_.save(clock::now());
  const bool stays = into.purpose() == save_purpose::hand_over;
  if (!stays) memory.asked.reset(); // its outcome comes to this process
  auto state = into.init<wire::PolicyState>();
  write(memory, state);
  state.setSavedNs(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  if (stays && box_) state.setKept(box_->id());
}

void policy_operator::restore(context& ctx, state_reader& from) {
  const auto state = from.root<wire::PolicyState>();
  auto memory = read(state);
  box_ = ctx.host<policy_desk>().find(state.getKept());
  if (!box_) { // another process wrote it
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::chrono::nanoseconds saved(std::max<std::int64_t>(0, state.getSavedNs()));
    grow_older(memory, now - saved);
  }
  says_paused_ = memory.paused_setting != core_.rule().paused;
  core_.restore(clock::now(), std::move(memory));
}

} // namespace instar

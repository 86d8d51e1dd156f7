#include "actors/runner.hpp"

#include "actors/thrown_text.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <cassert>
#include <stdexcept>
#include <utility>

namespace instar {

runner::runner(caf::actor_config& config, operator_setup setup, operator_links links,
               const runner_environment& environment, caf::actor supervisor)
    : caf::event_based_actor(config), environment_(environment), supervisor_(std::move(supervisor)),
      core_(*this, std::move(setup)), links_(std::move(links)) {}

runner::~runner() = default;

caf::behavior runner::make_behavior() {
  return {
      [this](wake_atom) { step(); },
      [this](const timer_message& m) {
        core_.timer_due(m.id);
        step_awake();
      },
      [this](const job_message& m) {
        core_.job_done(m.id, m.thrown);
        step_awake();
      },
      [this](const create_message&) { on_create(); },
      [this](const constructed_message& m) { on_constructed(m); },
      [this](const prepare_message& m) { on_prepare(m); },
      [this](const mark_message& m) {
        core_.mark(m.epoch);
        step_awake();
      },
      [this](const copy_message& m) {
        core_.begin_copy(m.epoch);
        step_awake();
      },
      [this](const part_message& m) { on_part(m); },
      [this](const taken_message& m) { on_taken(m); },
      [this](const restore_message& m) { on_restore(m); },
      [this](const start_message& m) { on_start(m); },
      [this](const commit_message& m) { on_commit(m); },
      [this](const abort_message& m) { on_abort(m); },
      [this](const end_message& m) { leave(m.epoch); },
  };
}

void runner::on_exit() {
  core_.end();
  links_ = {};
  heirs_.clear();
  supervisor_ = nullptr;
}

void runner::step() {
  if (core_.activate()) send(this, wake_atom::value);
}

/// Lets the supervisor hear first what has been reported; the bell is not armed meanwhile.
void runner::step_later() { send(this, wake_atom::value); }

void runner::step_awake() {
  // A bell that is not armed has been rung: the wake is on its way, and until it has come the
  // ringer may still look at the bell's target.
  if (core_.running() && core_.setup().place.bell->disarm()) step();
}

// -- birth ----------------------------------------------------------------------------------------

void runner::on_create() {
  // On the pool: a slow constructor must not hold up a worker.
  environment_.pool->run([self = caf::actor_cast<caf::actor>(this), factory = core_.setup().factory,
                          values = core_.setup().values]() mutable {
    constructed_message answer;
    try {
      answer.made = std::make_shared<operator_instance>(factory(values));
    } catch (...) {
      answer.thrown = thrown_text();
    }
    factory = nullptr;
    caf::anon_send(self, std::move(answer));
  });
}

void runner::on_constructed(const constructed_message& m) {
  const auto& setup = core_.setup();
  if (!m.made)
    return report(report_kind::failed, setup.epoch,
                  "operator '" + setup.place.name + "' (" + setup.type.reference() +
                      "): its constructor threw: " + m.thrown);
  core_.set_instance(std::move(*m.made));
  if (setup.predecessors > 0) return vote(*setup.ready, report_kind::created, setup.epoch);
  claim_and_report(report_kind::created, setup.epoch);
}

/// The instance has all that it begins with.
void runner::claim_and_report(report_kind ready, epoch_t epoch) {
  if (auto done = core_.claim(); !done)
    return report(report_kind::failed, epoch, done.error().message);
  if (ready == report_kind::restored) vote(*core_.setup().restored, ready, epoch);
  else vote(*core_.setup().ready, ready, epoch);
}

void runner::on_part(const part_message& m) {
  if (auto done = core_.read_part(m.part, m.rehearsal); !done)
    return report(report_kind::failed, m.epoch, done.error().message);
  send(m.from, taken_message{m.epoch, m.number});
}

/// A part has been taken over when all heirs have what is theirs of it.
void runner::on_taken(const taken_message& m) {
  const auto found = on_their_way_.find(m.number);
  if (found == on_their_way_.end() || --found->second > 0) return;
  on_their_way_.erase(found);
  core_.part_taken(m.epoch);
  step_awake();
}

void runner::on_restore(const restore_message& m) {
  if (m.saved)
    if (auto done = core_.restore(*m.saved); !done)
      return report(report_kind::failed, m.epoch, done.error().message);
  constexpr std::size_t told_after = 64;
  for (std::size_t i = 0; i < m.parts; ++i) {
    if (i % told_after == 0) parts_moved(m.epoch, i, m.parts);
    auto part = m.part(i);
    if (!part) return report(report_kind::failed, m.epoch, part.error().message);
    if (auto done = core_.read_part({*std::move(part), m.places.from, m.places.to}, false); !done)
      return report(report_kind::failed, m.epoch, done.error().message);
  }
  if (++predecessors_heard_ == core_.setup().predecessors)
    claim_and_report(report_kind::restored, m.epoch);
}

void runner::on_start(const start_message& m) {
  if (core_.running()) return; // by the supervisor as well: the former one died after its own
  // Nobody rings yet: the bell is not armed until the first step has ended.
  core_.setup().place.bell->set_target(caf::actor_cast<caf::strong_actor_ptr>(this));
  core_.start(std::move(links_), m.from ? std::move(*m.from) : handed_over());
  report(report_kind::running, m.epoch);
  step_later();
}

// -- transitions ----------------------------------------------------------------------------------

void runner::on_prepare(const prepare_message& m) {
  if (auto done = core_.prepare(m.part); !done)
    return report(report_kind::failed, m.part.epoch, done.error().message);
  role_ = m.part.role;
  rehearses_ = m.part.parts == part_transfer::progressive;
  sink_ = m.part.sink;
  copies_ = m.part.copied;
  at_cuts_ = m.part.at_cuts;
  flushes_ = m.part.flushes;
  heirs_ = m.heirs;
  on_their_way_.clear();
  vote(*m.part.ready, report_kind::prepared, m.part.epoch);
}

void runner::send_part(epoch_t epoch, sent_part part) {
  const auto number = ++sent_;
  on_their_way_.emplace(number, sink_ ? 1 : heirs_.size());
  if (sink_)
    return sink_->part(core_.setup().place.name, std::move(part.content),
                       [self = caf::actor_cast<caf::actor>(this), epoch, number] {
                         caf::anon_send(self, taken_message{epoch, number});
                       });
  for (const auto& h : heirs_) {
    part.from_key = h.places.from;
    part.to_key = h.places.to;
    send(h.actor, part_message{epoch, number, part, rehearses_, caf::actor_cast<caf::actor>(this)});
  }
}

void runner::copied(epoch_t epoch) { vote(*copies_, report_kind::copied, epoch); }

void runner::parts_moved(epoch_t epoch, std::uint64_t entries, std::uint64_t total) {
  send(supervisor_,
       report_message{report_kind::moved, epoch, core_.setup().place.name, {}, entries, total});
}

void runner::all_moved(epoch_t epoch) { report(report_kind::arrived, epoch); }

void runner::at_cut(epoch_t epoch, std::optional<state> saved) {
  sink_ = nullptr;
  for (const auto& h : heirs_)
    send(h.actor, restore_message{epoch, h.gets_rest ? saved : std::nullopt});
  vote(*at_cuts_, flushes_ ? report_kind::passed : report_kind::at_cut, epoch);
}

void runner::cut_delayed(epoch_t epoch, std::string reason) {
  report(report_kind::delayed, epoch, std::move(reason));
}

void runner::cut_failed(epoch_t epoch, std::string reason) {
  report(report_kind::failed, epoch, std::move(reason));
}

void runner::on_commit(const commit_message& m) {
  auto& place = core_.setup().place;
  switch (role_) {
  case cut_role::pass:
    return;
  case cut_role::rewire:
    core_.commit_rewire(m.epoch);
    report(report_kind::running, m.epoch);
    return step_later();
  case cut_role::replace:
    // At its cut the old instance owns the bell, unarmed: see doorbell.
    place.bell->set_target(caf::actor_cast<caf::strong_actor_ptr>(heirs_.front().actor));
    send(heirs_.front().actor,
         start_message{m.epoch, std::make_shared<handed_over>(core_.commit_replace(m.epoch))});
    return;
  case cut_role::remove:
    place.events->close();
    place.bell->set_target(nullptr);
    return;
  }
}

void runner::on_abort(const abort_message& m) {
  if (!core_.running() && core_.setup().epoch == m.epoch) return leave(m.epoch);
  const bool waited = core_.abort(m.epoch);
  sink_ = nullptr;
  heirs_.clear();
  on_their_way_.clear();
  if (waited) step();
  else step_awake();
}

void runner::leave(epoch_t epoch) {
  // Destroying the instance may unload its module: not on a worker.
  environment_.pool->run(
      [remains = core_.end(), to = supervisor_,
       end = report_message{report_kind::ended, epoch, core_.setup().place.name, {}}]() mutable {
        remains = {};
        caf::anon_send(to, std::move(end));
      });
  quit();
}

// -- what the core asks ---------------------------------------------------------------------------

core_clock::time_point runner::now() { return system().clock().now(); }

void runner::start_timer(std::uint64_t id, core_clock::time_point at) {
  scheduled_send(this, at, timer_message{id});
}

void runner::start_job(std::uint64_t id, std::function<void()> work,
                       std::shared_ptr<operator_base> needs) {
  environment_.pool->run([self = caf::actor_cast<caf::actor>(this), id, work = std::move(work),
                          needs = std::move(needs)]() mutable {
    std::optional<std::string> thrown;
    try {
      work();
    } catch (...) {
      thrown = thrown_text();
    }
    work = nullptr; // its code is the module's: gone before the operator may be
    needs = nullptr;
    caf::anon_send(self, job_message{id, std::move(thrown)});
  });
}

void* runner::resource(std::string_view name) {
  const auto found = environment_.resources.find(name);
  if (found == environment_.resources.end())
    throw std::runtime_error("operator '" + core_.setup().place.name +
                             "' needs the host resource '" + std::string(name) +
                             "', which this host does not offer");
  return found->second;
}

void runner::write_log(log_level level, std::string_view line) {
  constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                  spdlog::level::warn, spdlog::level::err};
  spdlog::log(levels[static_cast<int>(level)], "{}: {}", core_.setup().place.name, line);
}

void runner::request_stop(std::string reason) {
  send(supervisor_, stop_message{std::move(reason)});
}

void runner::report(report_kind kind, epoch_t epoch, std::string text) {
  send(supervisor_, report_message{kind, epoch, core_.setup().place.name, std::move(text)});
}

void runner::vote(ballot& in, report_kind kind, epoch_t epoch) {
  const auto outcome = in.add({kind, core_.setup().place.name});
  if (!outcome.last) return;
  report_message of_all{kind, epoch, core_.setup().place.name}; // as of now, before any marker
  for (const auto& to : outcome.told) send(to, mark_message{epoch});
  send(supervisor_, std::move(of_all));
}

} // namespace instar

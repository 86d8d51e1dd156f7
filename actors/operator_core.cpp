#include "actors/operator_core.hpp"

#include "actors/doorbell.hpp"
#include "actors/thrown_text.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

namespace instar {

operator_core::operator_core(core_host& host, operator_setup setup)
    : host_(host), setup_(std::move(setup)) {}

operator_core::~operator_core() = default;

// -- life ---------------------------------------------------------------------------------------

result<void> operator_core::restore(const state& from) {
  try {
    auto converted = setup_.state_conversion(from);
    state_reader reader(converted);
    instance_->restore(*this, reader);
    last_state_ = last_state_.empty() ? std::move(converted) : save(); // that of several
    return {};
  } catch (...) {
    return failure{errc::operator_error, "operator '" + setup_.place.name + "' (" +
                                             setup_.type.reference() +
                                             "): restore failed: " + thrown_text()};
  }
}

result<void> operator_core::claim() {
  try {
    instance_->claim(*this);
    return {};
  } catch (...) {
    return failure{errc::operator_error, "operator '" + setup_.place.name + "' (" +
                                             setup_.type.reference() + "): " + thrown_text()};
  }
}

void operator_core::start(operator_links links, handed_over from) {
  set_links(std::move(links));
  phase_ = phase::running;
  if (from.native) instance_->take_native(from.native);
  if (from.parts.parts) start_moving(std::move(from.parts), setup_.part_conversion);
  if (!setup_.state_conversion.empty() || !setup_.part_conversion.empty())
    // Modules may go with them: elsewhere.
    host_.start_job(
        next_id_++,
        [a = std::exchange(setup_.state_conversion, {}),
         b = std::exchange(setup_.part_conversion, {})] {},
        instance_);
  for (const auto& t : from.timers) {
    const auto id = next_id_++;
    timers_.emplace(id, t);
    host_.start_timer(id, t.due);
  }
  guarded([this] { instance_->on_start(*this); });
  guarded([this] { instance_->on_activation_end(*this); });
}

operator_core::remains operator_core::end() {
  phase_ = phase::ended;
  done_jobs_.clear();
  jobs_.clear();
  timers_.clear();
  taken_events_.clear();
  go_on();
  inputs_.clear();
  outputs_.clear();
  ports_.clear();
  cycles_ = nullptr;
  part_ = {};
  asks_ = false;
  sender_.reset();
  if (puller_) parts_->draw_from(nullptr);
  parts_ = nullptr;
  // The bell refers to the actor around this: a cycle, if nobody has taken the place over.
  setup_.place.bell = nullptr;
  setup_.place.events = nullptr;
  setup_.place.requests = nullptr;
  return {std::move(instance_), std::exchange(setup_.factory, nullptr), std::move(puller_),
          std::exchange(setup_.state_conversion, {}), std::exchange(setup_.part_conversion, {})};
}

void operator_core::set_links(operator_links links) {
  inputs_ = std::move(links.in);
  cycles_ = std::move(links.cycles);
  const auto ordinary = std::stable_partition(
      inputs_.begin(), inputs_.end(), [](const in_link& in) { return in.queue->feedback(); });
  feedback_in_ = static_cast<std::size_t>(ordinary - inputs_.begin());
  set_outputs(std::move(links.out));
  next_input_ = feedback_in_;
  set_requests();
}

/// The arcs of a group stand together, in the order of their lanes.
void operator_core::set_outputs(std::vector<out_link> links) {
  outputs_.clear();
  overflowing_ = false;
  ports_.assign(setup_.type.outputs.size(), {});
  std::map<std::pair<std::size_t, std::string>, std::vector<out_link*>> groups;
  for (auto& out : links)
    if (out.lanes > 1) groups[{out.port, out.group}].push_back(&out);
  const auto add = [&](out_link& out) {
    overflowing_ |= out.queue->overflows(); // of the instance before
    outputs_.push_back({std::move(out), false});
  };
  for (auto& out : links) {
    if (!out.queue) continue; // with its group
    target to{static_cast<std::uint32_t>(outputs_.size()), 1, out.key};
    auto& targets = ports_.at(out.port);
    if (out.lanes > 1) {
      auto& group = groups[{out.port, out.group}];
      std::sort(group.begin(), group.end(),
                [](const out_link* a, const out_link* b) { return a->lane < b->lane; });
      to.lanes = static_cast<std::uint32_t>(group.size());
      for (auto* each : group) add(*each);
    } else {
      add(out);
    }
    targets.push_back(to);
  }
}

// -- what the operator may ask ------------------------------------------------------------------

void operator_core::emit_packet(std::size_t port, packet p) {
  if (phase_ != phase::running)
    throw std::logic_error("packets may be emitted only after on_start");
  const auto& targets = ports_.at(port);
  if (targets.empty()) return;
  const auto pick = [&](const target& to) -> output& {
    if (to.lanes == 1) return outputs_[to.first];
    return outputs_[to.first + lane_of(place_of(p.key, to.key), to.lanes)];
  };
  for (std::size_t i = 0; i + 1 < targets.size(); ++i) deliver(pick(targets[i]), packet(p));
  auto& last = pick(targets.back());
  deliver(last, std::move(p));
}

std::size_t operator_core::lanes(std::size_t output) const {
  for (const auto& to : ports_.at(output))
    if (to.lanes > 1) return to.lanes;
  return 1;
}

std::size_t operator_core::lane(std::size_t output, std::uint64_t key) const {
  for (const auto& to : ports_.at(output))
    if (to.lanes > 1) return lane_of(place_of(key, to.key), to.lanes);
  return 0;
}

void operator_core::deliver(output& to, packet&& p) {
  count().packets_out.add();
  if (to.link.queue->push(std::move(p))) return;
  overflowing_ = true;
  if (to.link.queue->feedback()) return;
  if (!blocked_) count().blocked.add();
  blocked_ = true;
}

std::uint64_t operator_core::set_timer(std::chrono::nanoseconds delay, std::uint64_t token) {
  const auto id = next_id_++;
  const auto due = host_.now() + std::max(delay, std::chrono::nanoseconds(0));
  timers_.emplace(id, pending_timer{due, token});
  host_.start_timer(id, due);
  return id;
}

void operator_core::cancel_timer(std::uint64_t id) { timers_.erase(id); }

void operator_core::run_blocking(std::function<void()> work, std::function<void(context&)> done) {
  const auto id = next_id_++;
  jobs_.emplace(id, job{std::move(done), {}});
  host_.start_job(id, std::move(work), instance_);
}

// -- work ---------------------------------------------------------------------------------------

void operator_core::timer_due(std::uint64_t id) {
  if (id == look_again_) look_again_ = 0;
  if (id == pause_) pause_ = 0;
  if (alarm_rang(id)) return;
  if (timers_.count(id)) due_timers_.push_back(id);
}

void operator_core::job_done(std::uint64_t id, std::optional<std::string> thrown) {
  if (id == pull_job_) {
    pull_job_ = 0;
    rest_parts(pull_began_);
  }
  auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  found->second.thrown = std::move(thrown);
  done_jobs_.push_back(std::move(found->second));
  jobs_.erase(found);
}

bool operator_core::activate() {
  if (phase_ != phase::running) return false;
  constexpr std::uint64_t sampled = 16;
  auto& counts = count();
  counts.activations.add();
  const bool timed = counts.activations.get() % sampled == 0;
  const auto begin = timed ? core_clock::now() : core_clock::time_point{};
  more_ = false;
  const bool was_blocked = blocked_;
  if (retry_overflow()) {
    // Who fills its credit in every activation would else never come to its cut.
    if (was_blocked) cut_if_due();
    if (running() && process()) guarded([this] { instance_->on_activation_end(*this); });
  }
  if (sender_) more_ |= copy_parts();
  if (puller_) more_ |= move_parts();
  settle();
  cut_if_due();
  if (parts_) counts.entries.set(parts_->size());
  const bool again = publish_and_sleep();
  if (timed)
    counts.busy_ns.add(static_cast<std::uint64_t>((core_clock::now() - begin).count()) * sampled);
  return again;
}

/// Sends what was emitted beyond the credit. Returns whether nothing is left that blocks.
bool operator_core::retry_overflow() {
  if (!overflowing_) return true;
  overflowing_ = blocked_ = false;
  for (auto& out : outputs_) {
    arc& to = *out.link.queue;
    if (!to.overflows()) continue;
    if (to.retry()) {
      relieved_ |= to.feedback();
      continue;
    }
    overflowing_ = true;
    blocked_ |= !to.feedback();
  }
  return !blocked_;
}

bool operator_core::process() {
  bool did = process_callbacks();
  did |= process_events();
  did |= process_packets();
  return did;
}

bool operator_core::process_callbacks() {
  bool did = false;
  while (!done_jobs_.empty() && !blocked_) {
    job j = std::move(done_jobs_.front());
    done_jobs_.pop_front();
    if (j.thrown) on_error("blocking work threw: " + *j.thrown);
    else guarded([&] { j.done(*this); });
    did = true;
  }
  while (!due_timers_.empty() && !blocked_) {
    const auto found = timers_.find(due_timers_.front());
    due_timers_.pop_front();
    if (found == timers_.end()) continue;
    const auto token = found->second.token;
    timers_.erase(found);
    guarded([&] { instance_->on_timer(*this, token); });
    did = true;
  }
  if (asks_ && !blocked_) did |= process_requests();
  return did;
}

bool operator_core::process_events() {
  if (blocked_ || loops_wait_ || !may_take_events()) return false;
  setup_.place.events->take(taken_events_);
  if (taken_events_.empty()) return false;
  std::size_t given = 0;
  while (given < taken_events_.size() && !blocked_) {
    event& e = taken_events_[given++];
    guarded([&] { instance_->on_events(*this, std::span(&e, 1)); });
  }
  count().events.add(given);
  taken_events_.erase(taken_events_.begin(),
                      taken_events_.begin() + static_cast<std::ptrdiff_t>(given));
  return true;
}

/// Takes packets from the open in-arcs: from feedback arcs first, then from the others in turn,
/// starting after the one that came last.
bool operator_core::process_packets() {
  std::size_t budget = setup_.activation_limit;
  for (std::size_t in = 0; in < feedback_in_ && !more_; ++in) more_ = take_from(in, budget);
  bool turn = feedback_exhausted(); // else only markers are taken, and nobody's turn is over
  auto in = next_input_;
  for (std::size_t i = feedback_in_; i < inputs_.size() && !blocked_ && !more_; ++i) {
    if (in >= inputs_.size()) in = feedback_in_;
    more_ = take_from(in++, budget);
    if (turn) next_input_ = in;
    turn = turn && feedback_exhausted();
  }
  const auto taken = setup_.activation_limit - budget;
  count().packets_in.add(taken);
  return taken > 0;
}

void operator_core::note_key(std::uint64_t key) {
  if (++unseen_ < key_sketch::sampled) return;
  unseen_ = 0;
  keys_.see(key);
  const auto most = keys_.most();
  count().hot_key.set(most.key);
  count().hot_seen.set(most.count);
  count().keys_seen.set(keys_.seen());
}

/// Returns whether the activation limit stopped it.
bool operator_core::take_from(std::size_t in, std::size_t& budget) {
  arc& from = *inputs_[in].queue;
  const auto port = inputs_[in].port;
  const bool answers = answers_in_[in];
  const bool shares = setup_.shares;
  while (!blocked_ && !held(in) && from.readable() && has_room(in)) {
    if (from.at_marker()) {
      on_marker(in, from.pop_marker());
      continue;
    }
    if (cycles_ && !may_take(in)) return false;
    if (budget == 0) return true;
    --budget;
    if (shares) note_key(from.key_in_front());
    if (answers) take_answer(from.pop());
    else guarded([&] { instance_->on_packet(*this, port, from.pop()); });
  }
  return false;
}

/// What stands before a marker is taken even without room: else a cut would have to wait for it.
inline bool operator_core::has_room(std::size_t in) {
  if (keeping_ == keeping::nothing || keeping_ == keeping::some) [[likely]]
    return true;
  return keeping_ == keeping::no_room && inputs_[in].queue->marker_in_sight();
}

inline bool operator_core::feedback_exhausted() {
  for (std::size_t in = 0; in < feedback_in_; ++in)
    if (!held(in) && !inputs_[in].queue->exhausted()) return false;
  return true;
}

bool operator_core::cycles_press() const {
  return std::any_of(cycles_->feedback.begin(), cycles_->feedback.end(),
                     [](const std::shared_ptr<arc>& f) { return f->presses(); });
}

/// On a cycle: what is in it goes first. See README.md.
bool operator_core::may_take(std::size_t in) {
  return in < feedback_in_ || (feedback_exhausted() && !(inputs_[in].outside && cycles_press()));
}

/// Who has no room for what the loop brings may hear by an event that it has some.
bool operator_core::may_take_events() {
  return !cycles_ || keeping_ == keeping::no_room || (feedback_exhausted() && !cycles_press());
}

void operator_core::ring_cycles() {
  const auto ring = [](const cycle_links& cycles) {
    for (const auto& bell : cycles.members) bell->ring_fenced();
  };
  for (const auto& cycles : held_up_) ring(*cycles); // its own among them
  if (cycles_ && held_up_.empty()) ring(*cycles_);
}

/// Shows what was emitted, then gives back the credit of what was taken: in this order, so that
/// nobody finds a packet gone and not yet what was made of it (see loop_drain).
void operator_core::publish() {
  for (auto& out : outputs_) out.rings |= out.link.queue->publish();
  if (asks_) show_awaited();
  if (part_.in_loop) show_stirring();
  if (closing_ > 0) part_.drain->close(std::exchange(closing_, 0));
  for (auto& in : inputs_) released_ |= in.queue->release();
}

/// Shows the neighbours what was emitted and taken, and goes to sleep if nothing is left to do.
///
/// All stores come first, then one full fence, then all loads. The other side of each pair does
/// the same, so that of two that pass each other at least one sees the other (Dekker).
bool operator_core::publish_and_sleep() {
  auto& bell = *setup_.place.bell;
  publish();
  const bool sleeps = phase_ == phase::running && !more_;
  if (sleeps) bell.arm();
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (auto& out : outputs_)
    if (std::exchange(out.rings, false)) out.link.consumer->ring_fenced();
  if (std::exchange(released_, false))
    for (auto& in : inputs_)
      if (in.queue->producer_waits()) in.producer->ring_fenced();
  if (std::exchange(relieved_, false)) ring_cycles();
  if (!sleeps) return phase_ == phase::running;
  return has_work() && bell.disarm();
}

bool operator_core::has_work() {
  if (overflowing_)
    for (auto& out : outputs_)
      if (out.link.queue->overflows() && out.link.queue->await_credit()) return true;
  if (saw_open_ && part_.in_loop && !part_.drain->open()) return true;
  if (blocked_) return false;
  return !done_jobs_.empty() || !due_timers_.empty() || requests_wait() ||
         ((setup_.place.events->filled() || !taken_events_.empty()) && !loops_wait_ &&
          may_take_events()) ||
         input_ready();
}

bool operator_core::input_ready() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    arc& from = *inputs_[i].queue;
    if (held(i) || !from.readable() || !has_room(i)) continue;
    if (!cycles_ || from.at_marker() || may_take(i)) return true;
  }
  return false;
}

// -- errors -------------------------------------------------------------------------------------

void operator_core::on_error(std::string what) {
  count().errors.add();
  host_.write_log(log_level::error, "threw: " + what);
  const auto now = host_.now();
  recent_errors_.push_back(now);
  while (now - recent_errors_.front() > setup_.on_error.window) recent_errors_.pop_front();
  if (recent_errors_.size() > setup_.on_error.limit) {
    recent_errors_.clear();
    host_.request_stop("operator '" + setup_.place.name + "' threw more than " +
                       std::to_string(setup_.on_error.limit) + " times within " +
                       to_string(setting_value(std::int64_t(setup_.on_error.window.count()))) +
                       " ns, last: " + what);
    return;
  }
  switch (setup_.on_error.strategy) {
  case error_strategy::resume:
    return;
  case error_strategy::restart:
    return restart();
  case error_strategy::stop:
    return host_.request_stop("operator '" + setup_.place.name + "' threw: " + what);
  }
}

/// A new instance of the same type takes over the last state that the failed one can still save,
/// or else the state that it began with.
void operator_core::restart() {
  count().restarts.add();
  try {
    if (setup_.type.state_schema != 0) last_state_ = save();
  } catch (...) {
    host_.write_log(log_level::warning, "cannot save its state after the error (" + thrown_text() +
                                            "): restarts with the state that it began with");
  }
  try {
    operator_instance made = setup_.factory(setup_.values);
    std::shared_ptr<operator_base> fresh = std::move(made);
    if (!last_state_.empty()) {
      state_reader reader(last_state_);
      fresh->restore(*this, reader);
    }
    fresh->claim(*this);
    // Open work belongs to the failed instance, which lives until it ends; nobody waits for it.
    jobs_.clear();
    done_jobs_.clear();
    keeping_ = keeping::nothing; // what the failed one kept is lost with it
    const auto failed = std::exchange(instance_, std::move(fresh));
    take_parts_of(failed);
    instance_->on_start(*this);
  } catch (...) {
    host_.request_stop("operator '" + setup_.place.name +
                       "' cannot be restarted: " + thrown_text());
  }
}

/// In its own schema, or in one of the others that it exports.
state operator_core::save(std::uint64_t schema, save_purpose purpose) {
  const bool own = schema == 0 || schema == setup_.type.state_schema;
  state_writer writer({setup_.type.name, setup_.type.version,
                       own ? setup_.type.state_schema : schema,
                       own ? setup_.type.state_version : 0},
                      purpose);
  instance_->save(writer);
  return writer.finish();
}

} // namespace instar

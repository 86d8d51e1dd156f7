// An operator's part in transitions: its way to the cut, and on from there.
#include "actors/open_requests.hpp"
#include "actors/operator_core.hpp"
#include "actors/thrown_text.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace instar {

namespace {

/// How soon the head of a loop that is emptied looks at it again.
constexpr std::chrono::milliseconds loop_look_interval{1};

bool contains(const std::vector<std::shared_ptr<arc>>& arcs, const std::shared_ptr<arc>& one) {
  return std::find(arcs.begin(), arcs.end(), one) != arcs.end();
}

std::string what_is_in(const loop_drain& loops) {
  const auto packets = loops.packets();
  const auto requests = loops.awaited();
  const auto stirring = loops.stirring();
  std::string text;
  if (packets > 0)
    text = packets == 1 ? "1 packet is in its loop"
                        : std::to_string(packets) + " packets are in its loop";
  if (requests > 0)
    text += (text.empty() ? "" : ", ") +
            (requests == 1 ? "1 request is open" : std::to_string(requests) + " requests are open");
  if (stirring > 0)
    text += (text.empty() ? "" : ", ") + std::to_string(stirring) +
            (stirring == 1 ? " operator" : " operators") + " of its loop may emit yet";
  return text.empty() ? "packets may still come into its loop" : text;
}

} // namespace

result<void> operator_core::prepare(participation part) {
  if (puller_) puller_->finish(); // after a restart: transitions wait for one another
  if (phase_ != phase::running || aligner_.active())
    return failure{errc::refused, "operator '" + setup_.place.name +
                                      "' takes part in another transition; wait "
                                      "for its outcome and ask again"};
  std::vector<bool> expected(inputs_.size());
  drained_in_.assign(feedback_in_, false);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    expected[i] = contains(part.marked_in, inputs_[i].queue);
    if (i < feedback_in_) drained_in_[i] = contains(part.drained_in, inputs_[i].queue);
  }
  way_in_closed_ = loops_wait_ = false;
  aligner_.begin(part.epoch, std::move(expected));
  part_ = std::move(part);
  last_reason_.clear();
  cut_failed_ = false;
  stirs_ = shown_stirring_ = saw_open_ = false;
  if (part_.in_loop) {
    stirs_ = instance_->has_thread() || unfinished();
    show_stirring();
  }
  return {};
}

void operator_core::mark(epoch_t epoch) {
  if (aligner_.enter(epoch) == marker_aligner::verdict::stale || !running()) return;
  // What its loops still hold, or its end has to finish, needs an operator that goes on till then.
  if (!is_asked() || purpose() == cut_purpose::removal || part_.drains) return;
  asked_ = true;
  guarded([this] { instance_->on_cut_ahead(*this); });
}

void operator_core::on_marker(std::size_t in, epoch_t epoch) {
  if (aligner_.on_marker(in, epoch) == marker_aligner::verdict::stale) return;
  stand();
  closing_ += contains(part_.ways_in, inputs_[in].queue);
}

/// Whatever its role: what is emitted when this is done belongs before the marker.
std::optional<std::string> operator_core::unfinished() const {
  if (const auto open = jobs_.size() + done_jobs_.size(); open > 0)
    return std::to_string(open) + " pieces of blocking work are open";
  if (keeping_ == keeping::some || keeping_ == keeping::full)
    return "it keeps packets back that have yet to leave";
  return std::nullopt;
}

/// Whether the operator itself says when it is ready.
bool operator_core::is_asked() const {
  return part_.role == cut_role::replace || part_.role == cut_role::remove || part_.sink ||
         (part_.in_loop && instance_->has_thread());
}

cut_purpose operator_core::purpose() const {
  const bool ends =
      part_.role == cut_role::remove && part_.parts == part_transfer::none && !part_.saves_state;
  return ends ? cut_purpose::removal : cut_purpose::hand_over;
}

std::optional<std::string> operator_core::ask_not_yet() {
  asked_ = true;
  return instance_->not_yet(*this, purpose());
}

std::optional<std::string> operator_core::reason_to_wait() {
  if (auto reason = unfinished()) return reason;
  if ((part_.role == cut_role::remove || part_.sink) && requests_wait())
    return "requests of its have just ended";
  if (!is_asked()) return std::nullopt;
  return ask_not_yet();
}

/// In loops that are emptied: looks whether it still stirs. A thread is asked to come to rest as
/// soon as nothing comes into the loops any more, and stays so until the cut. Whoever closes the
/// last way rings those that sleep; who is awake just then looks again before it sleeps (has_work).
void operator_core::settle() {
  saw_open_ = false;
  if (!part_.in_loop || !running() || cut_failed_) return;
  auto reason = unfinished();
  stirs_ = reason || instance_->has_thread();
  saw_open_ = part_.drain->open();
  if (saw_open_) return;
  try {
    if (!reason && stirs_) reason = ask_not_yet();
  } catch (...) {
    return fail_save();
  }
  stirs_ = reason.has_value();
  if (!aligner_.complete()) delay_cut(reason.value_or(std::string()));
}

void operator_core::show_stirring() {
  if (std::exchange(shown_stirring_, stirs_) == stirs_) return;
  if (stirs_) part_.drain->stir();
  else part_.drain->settle();
}

/// Whoever has prepared for the end of its time learns that it is not over.
void operator_core::tell_it_goes_on() {
  if (std::exchange(asked_, false)) guarded([this] { instance_->on_go_on(*this); });
}

void operator_core::delay_cut(const std::string& reason) {
  if (reason != last_reason_) host_.cut_delayed(part_.epoch, last_reason_ = reason);
}

/// At the head of a loop: from now on only what is in the loop already is taken.
void operator_core::close_way_in() {
  if (!part_.drain || part_.drained_in.empty() || way_in_closed_) return;
  way_in_closed_ = true;
  publish();
  part_.drain->close();
}

/// Whether this is no head of loops that are emptied, or they are empty. If not, the operator looks
/// again soon: nobody rings when the last packet leaves elsewhere.
bool operator_core::loops_empty() {
  if (!part_.drain || part_.drained_in.empty()) return true;
  publish();
  if (part_.drain->empty()) return true;
  if (look_again_ != 0) return false;
  look_again_ = next_id_++;
  host_.start_timer(look_again_, host_.now() + loop_look_interval);
  delay_cut(what_is_in(*part_.drain));
  return false;
}

void operator_core::cut_if_due() {
  if (running() && aligner_.complete() && !blocked_ && !cut_failed_) try_cut();
}

/// The last step before the operator changes: everything of the old graph has been processed and
/// has left. Stays where it is if the operator says "not yet", or while its loop is not empty.
void operator_core::try_cut() {
  std::optional<state> saved;
  loops_wait_ = false;
  stand();
  close_way_in();
  try {
    if (auto reason = reason_to_wait()) return delay_cut(*reason);
    if (blocked_) return; // `not_yet` emitted something: it has to leave first
    if (!loops_empty()) {
      loops_wait_ = true;
      return;
    }
    send_rest();
    if (part_.saves_state)
      saved = save(part_.export_schema,
                   part_.role == cut_role::remove ? save_purpose::merge : save_purpose::hand_over);
  } catch (...) {
    return fail_save();
  }
  if ((part_.role == cut_role::remove || part_.sink) && setup_.place.requests->open() > 0)
    return fail_cut("operator '" + setup_.place.name +
                    "' has asked, not for a packet, when all its requests had been answered for it "
                    "to end; ask again");
  if (part_.sink && !loops_stayed_empty()) return;
  if (!part_.ending_out.empty()) publish();
  for (const auto& out : part_.ending_out)
    if (out->queued() > 0 && !(out->brings_answers() && out->awaited() == 0)) // else too late
      return fail_cut("operator '" + setup_.place.name + "' has emitted, not for a packet, into " +
                      out->name() + ", which ends and was empty; ask again");
  if (!forward_markers()) return;
  const auto epoch = part_.epoch;
  if (part_.sink) save_checkpoint();
  if (cut_failed_) return;
  if (part_.role == cut_role::pass) {
    delay_cut({});
    go_on();
    aligner_.finish();
    if (part_.awaited) host_.at_cut(epoch, std::nullopt);
    sender_.reset();
    part_ = {};
    more_ = true; // held arcs are open again
    return tell_it_goes_on();
  }
  phase_ = phase::at_cut;
  if (saved && saved->header().schema_id == setup_.type.state_schema) last_state_ = *saved;
  setup_.place.events->put_back(std::move(taken_events_));
  taken_events_.clear();
  host_.at_cut(epoch, std::move(saved));
}

/// The state goes into the checkpoint, and the operator goes on with it.
void operator_core::save_checkpoint() {
  try {
    auto saved = save(0, save_purpose::checkpoint);
    const auto now = host_.now();
    std::vector<saved_timer> timers;
    for (const auto& [id, timer] : timers_)
      timers.push_back({std::max(timer.due - now, core_clock::duration(0)), timer.token});
    part_.sink->cut(setup_.place.name, std::move(saved), std::move(timers));
  } catch (...) {
    fail_save();
  }
}

/// No marker follows what goes along a feedback arc. So what was emitted into a loop after it was
/// seen empty, not for a packet, would be in nobody's state. Answers may: their requests had ended
/// by then, or else who has asked again cannot be saved.
bool operator_core::loops_stayed_empty() {
  if (part_.quiet_out.empty()) return true;
  publish();
  for (const auto& out : part_.quiet_out)
    if (part_.drain->moved(*out) && !out->brings_answers()) {
      fail_cut("operator '" + setup_.place.name + "' has emitted, not for a packet, into " +
               out->name() + ", whose loop was empty; ask again");
      return false;
    }
  return true;
}

bool operator_core::forward_markers() {
  for (const auto& out : part_.marked_out) {
    if (out->push_marker(part_.epoch)) continue;
    fail_cut("arc " + out->name() +
             " is full of markers of transitions that were rolled back: "
             "its consumer takes nothing; wait until it does");
    return false;
  }
  return true;
}

void operator_core::fail_cut(std::string reason) {
  cut_failed_ = true;
  host_.cut_failed(part_.epoch, std::move(reason));
}

/// Within a handler of what was thrown.
void operator_core::fail_save() {
  fail_cut("operator '" + setup_.place.name + "' (" + setup_.type.reference() +
           "): saving its state failed: " + thrown_text());
}

bool operator_core::abort(epoch_t epoch) {
  if (!aligner_.active() || part_.epoch != epoch) return false;
  loops_wait_ = false;
  sender_.reset();
  go_on();
  aligner_.finish();
  part_ = {};
  const bool waited = phase_ == phase::at_cut;
  if (waited) phase_ = phase::running;
  tell_it_goes_on();
  return waited;
}

void operator_core::commit_rewire(epoch_t epoch) {
  assert(phase_ == phase::at_cut && part_.epoch == epoch);
  (void)epoch;
  go_on();
  aligner_.finish();
  set_links(std::move(part_.next));
  if (!part_.next_name.empty()) setup_.place.name = std::move(part_.next_name);
  part_ = {};
  phase_ = phase::running;
  tell_it_goes_on();
}

handed_over operator_core::commit_replace(epoch_t epoch) {
  assert(phase_ == phase::at_cut && part_.epoch == epoch);
  (void)epoch;
  go_on();
  sender_.reset();
  handed_over all;
  for (const auto& [id, timer] : timers_) all.timers.push_back(timer);
  if (part_.native) all.native = instance_->give_native();
  if (part_.parts == part_transfer::progressive) all.parts = {instance_, parts_, part_header()};
  return all;
}

/// From now on this operator holds back packets, until others are at their cuts. An overflow on its
/// cycles, or on some from which packets come to it, may not become less before that, so nobody may
/// wait for it: not those whose packets or credit one of the others needs to get to its cut.
void operator_core::stand() {
  if (std::exchange(stands_, true)) return;
  held_up_ = part_.cycles_above;
  if (cycles_) held_up_.push_back(cycles_);
  for (const auto& cycles : held_up_)
    for (const auto& f : cycles->feedback) f->stand();
  relieved_ = relieved_ || !held_up_.empty();
}

void operator_core::go_on() {
  stands_ = false;
  for (const auto& cycles : std::exchange(held_up_, {}))
    for (const auto& f : cycles->feedback) f->go_on();
}

} // namespace instar

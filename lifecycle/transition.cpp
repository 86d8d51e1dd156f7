#include "lifecycle/transition.hpp"

#include <algorithm>

namespace instar {

const char* to_string(transition::step step) {
  switch (step) {
  case transition::step::prepare:
    return "prepare";
  case transition::step::copy:
    return "copy";
  case transition::step::mark:
    return "mark";
  case transition::step::restore:
    return "restore";
  case transition::step::commit:
    return "commit";
  case transition::step::retire:
    return "retire";
  case transition::step::done:
    return "done";
  case transition::step::aborted:
    return "aborted";
  }
  return "";
}

namespace {

void strike(std::set<ballot::vote>& from, const ballot& in) {
  for (const auto& vote : in.votes()) from.erase(vote);
}

} // namespace

transition::transition(epoch_t epoch, const transition_plan& plan, clock::time_point now)
    : epoch_(epoch), saves_(plan.saves), step_began_(now) {
  // Who serves the old graph reports under its old name, until it has committed.
  const bool drains = plan.drains();
  for (const auto& op : plan.operators) {
    const bool has_old = op.action != operator_action::add;
    const bool has_new = op.action == operator_action::add || op.action == operator_action::replace;
    if (has_old && (op.participates() || op.in_region))
      votes_.emplace(report_kind::prepared, op.before());
    if (has_new) votes_.emplace(report_kind::created, op.name);
    // The markers that close the ways into a loop may lead to nobody who changes.
    if (op.flushes) ended_.emplace(report_kind::passed, op.before());
    else if ((drains || plan.saves) && has_old && op.in_region)
      cuts_.emplace(report_kind::at_cut, op.before());
    if (has_old && op.parts != part_transfer::none)
      copies_.emplace(report_kind::copied, op.before());
    if (!op.participates()) continue;
    if (has_old) cuts_.emplace(report_kind::at_cut, op.before());
    if (op.restores()) cuts_.emplace(report_kind::restored, op.name);
    if (op.parts == part_transfer::progressive) ended_.emplace(report_kind::arrived, op.name);
    if (op.action != operator_action::remove) running_.emplace(report_kind::running, op.name);
    if (op.action == operator_action::remove || op.action == operator_action::replace)
      ended_.emplace(report_kind::ended, op.before());
  }
  copies_all_ = copies_.size();
  votes_cast_ = std::make_shared<ballot>(votes_.size());
  copies_cast_ = std::make_shared<ballot>(copies_all_);
  const auto all = [](const awaited& of, report_kind kind) {
    const auto is = [kind](const auto& one) { return one.first == kind; };
    return std::make_shared<ballot>(std::count_if(of.begin(), of.end(), is));
  };
  at_cuts_ = all(cuts_, report_kind::at_cut);
  restored_ = all(cuts_, report_kind::restored);
  passed_ = all(ended_, report_kind::passed);
  if (plan.saves) cuts_.emplace(report_kind::written, std::string());
}

transition::action transition::on_report(const report_message& report, clock::time_point now) {
  const auto key = std::pair(report.kind, report.name);
  switch (report.kind) {
  case report_kind::created:
  case report_kind::prepared:
    strike(votes_, *votes_cast_);
    votes_.erase(key);
    now = no_later(report.at, now);
    break;
  case report_kind::moved:
    flows_[report.name] = {report.entries, report.total};
    return action::none;
  case report_kind::copied:
    strike(copies_, *copies_cast_);
    copies_.erase(key);
    now = no_later(report.at, now);
    break;
  case report_kind::at_cut:
    strike(cuts_, *at_cuts_);
    delayed_no_more(*at_cuts_);
    delays_.erase(report.name);
    cuts_.erase(key);
    last_cut_ = std::max(last_cut_, report.at);
    break;
  case report_kind::restored:
    strike(cuts_, *restored_);
    cuts_.erase(key);
    break;
  case report_kind::passed:
    strike(ended_, *passed_);
    delayed_no_more(*passed_);
    ended_.erase(key);
    break;
  case report_kind::written:
    cuts_.erase(key);
    break;
  case report_kind::running:
    running_.erase(key);
    break;
  case report_kind::ended:
  case report_kind::arrived:
    ended_.erase(key);
    break;
  case report_kind::delayed:
    if (report.text.empty()) delays_.erase(report.name);
    else delays_[report.name] = report.text;
    return action::none;
  case report_kind::failed:
    return give_up(report.text, now);
  }
  return proceed(now);
}

transition::action transition::proceed(clock::time_point now) {
  if (step_ == step::prepare && votes_.empty())
    return enter(copies_.empty() ? step::mark : step::copy, now);
  if (step_ == step::copy && copies_.empty()) return enter(step::mark, now);
  if (step_ == step::mark && !saves_ && all_at_cuts()) {
    const auto cut = no_later(last_cut_, now);
    if (cuts_.empty()) return enter(step::commit, cut);
    enter(step::restore, cut);
  }
  if ((step_ == step::mark || step_ == step::restore) && cuts_.empty())
    return enter(step::commit, now);
  if (step_ == step::commit && running_.empty()) return enter(step::retire, now);
  if (step_ == step::retire && ended_.empty()) return enter(step::done, now);
  return action::none;
}

/// A step ends when the last of those it waits for is done, not when that is heard of.
transition::clock::time_point transition::no_later(clock::time_point done,
                                                   clock::time_point now) const {
  return std::clamp(done, std::min(step_began_, now), now);
}

void transition::delayed_no_more(const ballot& in) {
  for (const auto& [kind, name] : in.votes()) delays_.erase(name);
}

bool transition::all_at_cuts() const {
  const auto next = cuts_.lower_bound({report_kind::at_cut, std::string()}); // by kind at first
  return next == cuts_.end() || next->first != report_kind::at_cut;
}

transition::action transition::enter(step next, clock::time_point now) {
  times_.push_back({to_string(step_), now - step_began_});
  step_ = next;
  step_began_ = now;
  flows_.clear();
  switch (next) {
  case step::copy:
    return action::copy;
  case step::mark:
    marked_ = true;
    mark_began_ = now;
    return action::mark;
  case step::commit:
    return action::commit;
  case step::retire:
    mark_to_commit_ = now - mark_began_;
    return action::retire;
  case step::done:
    return action::finish;
  case step::aborted:
    return action::abort;
  case step::prepare:
  case step::restore:
    break;
  }
  return action::none;
}

transition::action transition::give_up(std::string reason, clock::time_point now) {
  if (decided() || step_ == step::aborted) return action::none;
  reason_ = std::move(reason);
  marked_ |= before_markers().close(); // perhaps not heard of yet
  return enter(step::aborted, now);
}

namespace {

bool is_passing(const std::pair<report_kind, std::string>& one) {
  return one.first == report_kind::passed;
}

} // namespace

bool transition::flushes() const {
  return step_ == step::retire && std::any_of(ended_.begin(), ended_.end(), is_passing);
}

void transition::end_flush(std::string reason) {
  std::erase_if(ended_, is_passing);
  reason_ = std::move(reason);
}

transition::flow transition::state_flow() const {
  flow all;
  for (const auto& [name, one] : flows_) {
    all.moved += one.moved;
    all.total += one.total;
  }
  return all;
}

/// Whom the current step waits for, without those who have joined in what is not complete.
transition::awaited transition::missing() const {
  const auto without = [](awaited all, const ballot& in) {
    strike(all, in);
    return all;
  };
  switch (step_) {
  case step::prepare:
    return without(votes_, *votes_cast_);
  case step::copy:
    return without(copies_, *copies_cast_);
  case step::mark:
  case step::restore:
    return without(without(cuts_, *at_cuts_), *restored_);
  case step::commit:
    return running_;
  default:
    return without(ended_, *passed_);
  }
}

std::string transition::waiting_for() const {
  const auto missing = this->missing();
  const auto there = at_cuts_->votes();
  std::string text;
  std::size_t named = 0;
  for (const auto& [kind, name] : missing) {
    if (++named > 5) {
      text += ", and " + std::to_string(missing.size() - 5) + " more";
      break;
    }
    if (!text.empty()) text += ", ";
    if (kind == report_kind::written) {
      text += "the file is being written";
      continue;
    }
    text += "operator '" + name + "' ";
    const auto delay = delays_.find(name);
    switch (kind) {
    case report_kind::created:
      text += "is still being constructed";
      break;
    case report_kind::prepared:
      text += "has not answered";
      break;
    case report_kind::copied:
      text += "is still sending its state";
      break;
    case report_kind::arrived:
      text += "is still getting its state";
      break;
    case report_kind::at_cut:
      text += delay == delays_.end() ? "has not reached its cut" : "says not yet: " + delay->second;
      break;
    case report_kind::restored:
      text += "has not restored its state";
      break;
    case report_kind::passed:
      text += "has not let out what was under way";
      break;
    case report_kind::running:
      text += "has not started";
      break;
    default:
      text += "has not ended";
      break;
    }
  }
  // Those that only let the markers pass are not waited for themselves, but may be the reason.
  for (const auto& [name, delay] : delays_)
    if (!missing.count({report_kind::at_cut, name}) && !there.count({report_kind::at_cut, name}) &&
        ++named <= 6)
      text += ", operator '" + name + "' says not yet: " + delay;
  return text;
}

} // namespace instar

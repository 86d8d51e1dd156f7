#include "services/inspect/statistics.hpp"

#include "services/blocking/common_settings.hpp"

#include <algorithm>
#include <utility>

namespace instar::inspect {

statistics::statistics(const settings& values)
    : blocking_operator(blocking::rest_of(values)),
      every_(std::max<std::chrono::nanoseconds>(values.duration("every"),
                                                std::chrono::milliseconds(100))),
      due_(steady::now() + every_) {}

void statistics::run(blocking_context& ctx) {
  while (true) {
    answer(ctx);
    if (const auto next = ctx.receive_until(due_)) take(next->port, next->what);
    if (steady::now() < due_) continue;
    due_ += every_;
    if (std::exchange(changed_, false)) ctx.log(log_level::info, text());
  }
}

void statistics::take(std::size_t port, const packet& p) {
  const auto& what = p.as<record>();
  if (port == questions.index) return asked_.push_back(what.read<wire::Question>().getJob());
  counts_.add(what.read<wire::Counts>().getValues());
  changed_ = true;
}

void statistics::answer(blocking_context& ctx) {
  for (; !asked_.empty(); asked_.pop_front()) {
    auto made = make_payload<record>();
    auto into = made->init<wire::Reply>().initAnswer();
    into.setJob(asked_.front());
    into.setLine("stats " + text());
    ctx.emit(out, std::move(made));
  }
}

std::string statistics::text() const {
  std::string made;
  for (std::size_t i = 0; i < count_names.size(); ++i) {
    if (i > 0) made += ' ';
    made.append(count_names[i]).append("=").append(std::to_string(counts_.values()[i]));
  }
  return made;
}

bool statistics::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // who has asked is still answered
  take(port, p);
  return true;
}

void statistics::save(state_writer& into) const {
  auto state = into.init<StatisticsState>();
  counts_.write(state.initCounts(static_cast<unsigned>(counts_.values().size())));
  state.setDueNs(left_until(due_));
  if (into.purpose() != save_purpose::hand_over) return; // who has asked will be gone
  auto asked = state.initQuestions(static_cast<unsigned>(asked_.size()));
  for (unsigned i = 0; i < asked_.size(); ++i) asked.set(i, asked_[i]);
}

void statistics::restore(context&, state_reader& from) {
  const auto state = from.root<StatisticsState>();
  counts_.add(state.getCounts());
  for (const auto job : state.getQuestions()) asked_.push_back(job);
  due_ = from_now(state.getDueNs(), every_);
}

} // namespace instar::inspect

#include "services/monitor/report.hpp"

#include "services/blocking/common_settings.hpp"

#include <algorithm>
#include <utility>

namespace instar::monitor {

namespace {

using steady = std::chrono::steady_clock;

status status_of(Status::Reader from) {
  status s;
  s.name = from.getName().cStr();
  s.incarnation = from.getIncarnation();
  s.sequence = from.getSequence();
  s.leaves = from.getLeaves();
  const auto address = from.getAddress();
  s.address.assign(reinterpret_cast<const char*>(address.begin()), address.size());
  for (const auto counter : from.getCounters())
    s.counters.emplace_back(counter.getName().cStr(), counter.getValue());
  return s;
}

} // namespace

report::report(const settings& values, double smoothing)
    : blocking_operator(blocking::rest_of(values)),
      every_(std::max<std::chrono::nanoseconds>(values.duration("every"),
                                                std::chrono::milliseconds(1))),
      board_(values.duration("silent_after"), smoothing) {}

void report::run(blocking_context& ctx) {
  if (due_ == steady::time_point()) due_ = steady::now() + every_;
  for (;;) {
    speak(ctx);
    if (auto come = ctx.receive_until(due_)) take(come->port, come->what);
    if (const auto now = steady::now(); now >= due_) {
      look(ctx);
      due_ = std::max(due_ + every_, now);
    }
  }
}

bool report::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void report::take(std::size_t port, const packet& p) {
  if (port == question_in.index) {
    const auto from = p.as<record>().read<Question>();
    asked_.push_back({from.getClient(), from.getText().cStr()});
    return;
  }
  auto s = status_of(p.as<record>().read<Status>());
  if (s.name.empty()) return board_.set_where(std::move(s.address));
  if (auto event = board_.take(s, steady::now()); !event.empty())
    happened_.push_back(std::move(event));
}

/// What was taken in `left_over`, too, of which its successor knows.
void report::speak(blocking_context& ctx) {
  while (!asked_.empty()) {
    const auto one = std::move(asked_.front());
    asked_.pop_front();
    tell(ctx, one.client, board_.answer(one.text, steady::now()));
  }
  while (!happened_.empty()) {
    const auto event = std::move(happened_.front());
    happened_.pop_front();
    ctx.log(log_level::info, event);
    tell(ctx, 0, "event " + event + "\r\n");
  }
}

void report::look(blocking_context& ctx) {
  const auto now = steady::now();
  for (auto& event : board_.look(now)) happened_.push_back(std::move(event));
  auto targets = make_payload<record>();
  board_.list_targets(targets->init<Targets>(), now);
  ctx.emit(targets_out, std::move(targets));
}

void report::tell(blocking_context& ctx, std::uint64_t client, const std::string& text) {
  auto made = make_payload<record>();
  auto to = made->init<Answer>();
  to.setClient(client);
  to.setText(text);
  ctx.emit(answer_out, std::move(made));
}

void report::save(state_writer& into) const {
  auto to = into.init<ReportState>();
  const bool same_process = into.purpose() != save_purpose::checkpoint;
  board_.save(to, same_process);
  if (!same_process) return;
  auto asked = to.initQuestions(static_cast<unsigned>(asked_.size()));
  for (unsigned i = 0; i < asked.size(); ++i) {
    asked[i].setClient(asked_[i].client);
    asked[i].setText(asked_[i].text);
  }
  auto untold = to.initUntold(static_cast<unsigned>(happened_.size()));
  for (unsigned i = 0; i < untold.size(); ++i) untold.set(i, happened_[i]);
}

void report::restore(context&, state_reader& from) {
  const auto saved = from.root<ReportState>();
  board_.restore(saved, steady::now());
  for (const auto one : saved.getQuestions())
    asked_.push_back({one.getClient(), one.getText().cStr()});
  for (const auto one : saved.getUntold()) happened_.emplace_back(one.cStr());
}

} // namespace instar::monitor

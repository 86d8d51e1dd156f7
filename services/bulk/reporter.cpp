#include "services/bulk/reporter.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"
#include "services/blocking/waiting.hpp"

#include <algorithm>
#include <span>
#include <system_error>
#include <utility>

namespace instar::bulk {

reporter::reporter(const settings& values)
    : blocking_operator(blocking::rest_of(values)),
      length_(std::max<std::chrono::nanoseconds>(values.duration("interval"),
                                                 std::chrono::milliseconds(1))),
      write_timeout_(values.duration("write_timeout")),
      keep_(
          static_cast<std::size_t>(std::clamp<std::int64_t>(values.integer("keep"), 1, 100'000))) {}

void reporter::run(blocking_context& ctx) {
  while (true) {
    close_intervals();
    answer_all(ctx);
    if (auto came = ctx.receive_until(ends_)) take(came->port, came->what);
  }
}

bool reporter::left_over(std::size_t port, packet& p) {
  take(port, p);
  return true;
}

void reporter::take(std::size_t port, const packet& p) {
  if (port == asked.index) {
    question made;
    made.connection = p.as<record>().read<Asked>().getConnection();
    made.since = clock::now();
    asked_.push_back(std::move(made));
    return;
  }
  const auto more = p.as<record>().read<Moved>();
  now_.received += more.getReceived();
  now_.sent += more.getSent();
  total_received_ += more.getReceived();
  total_sent_ += more.getSent();
}

void reporter::take_waiting(blocking_context& ctx) {
  while (auto came = ctx.receive_until(clock::now())) take(came->port, came->what);
}

void reporter::close_intervals() {
  const auto now = clock::now();
  // None has begun; or it was another clock's.
  if (ends_ == clock::time_point{} || ends_ > now + length_) ends_ = now + length_;
  for (std::size_t closed = 0; ends_ <= now; ++closed) {
    intervals_.push_back(now_);
    now_ = {now_.number + 1, 0, 0};
    if (intervals_.size() > keep_) intervals_.pop_front();
    ends_ += length_;
    if (closed > keep_) ends_ = now + length_; // nobody was there to close them
  }
}

void reporter::answer_all(blocking_context& ctx) {
  while (!asked_.empty()) {
    auto& next = asked_.front();
    if (next.text.empty()) {
      take_waiting(ctx); // so that it is not older than it has to be
      asked_.front().text = report();
    }
    bool good = false;
    try {
      good = answer(ctx, asked_.front());
    } catch (const std::system_error&) {
      // The client is gone.
    }
    auto back = make_payload<record>();
    auto text = back->init<Returned>();
    text.setConnection(asked_.front().connection);
    text.setEnded(!good);
    const auto id = asked_.front().connection;
    asked_.pop_front();
    ctx.emit(returned, std::move(back), id);
  }
}

/// Returns whether all of it was written.
bool reporter::answer(blocking_context& ctx, question& to) {
  if (!to.peer) to.peer = ctx.host<descriptors>().find(to.connection);
  if (!to.peer) return false;
  while (!to.text.empty()) {
    if (!blocking::wait_ready(ctx, to.peer->fd(), POLLOUT, to.since + write_timeout_)) return false;
    to.text.erase(0, ctx.write(to.peer->fd(), std::as_bytes(std::span(to.text))));
    to.since = clock::now();
  }
  return true;
}

std::string reporter::report() const {
  std::string text;
  for (const auto& one : intervals_)
    text += "INTERVAL " + std::to_string(one.number) + " received " + std::to_string(one.received) +
            " sent " + std::to_string(one.sent) + "\n";
  text += summary();
  return text + "TOTAL received " + std::to_string(total_received_) + " sent " +
         std::to_string(total_sent_) + "\nEND\n";
}

void reporter::save(state_writer& into) const {
  auto state = into.init<ReporterState>();
  auto list = state.initIntervals(static_cast<unsigned>(intervals_.size()));
  unsigned i = 0;
  for (const auto& one : intervals_) {
    auto entry = list[i++];
    entry.setNumber(one.number);
    entry.setReceived(one.received);
    entry.setSent(one.sent);
  }
  state.setNext(now_.number);
  state.setReceived(now_.received);
  state.setSent(now_.sent);
  state.setTotalReceived(total_received_);
  state.setTotalSent(total_sent_);
  // Clock and connections are this process's.
  if (into.purpose() == save_purpose::checkpoint) return;
  state.setEnds(blocking::saved_time(ends_));
  auto questions = state.initAsked(static_cast<unsigned>(asked_.size()));
  i = 0;
  for (const auto& one : asked_) {
    auto entry = questions[i++];
    entry.setConnection(one.connection);
    entry.setText(one.text);
    entry.setSince(blocking::saved_time(one.since));
  }
}

void reporter::restore(context&, state_reader& from) {
  const auto state = from.root<ReporterState>();
  for (const auto entry : state.getIntervals())
    intervals_.push_back({entry.getNumber(), entry.getReceived(), entry.getSent()});
  now_ = {state.getNext(), state.getReceived(), state.getSent()};
  total_received_ = state.getTotalReceived();
  total_sent_ = state.getTotalSent();
  ends_ = blocking::time_of(state.getEnds());
  for (const auto entry : state.getAsked()) {
    question one;
    one.connection = entry.getConnection();
    one.text = entry.getText().cStr();
    one.since = blocking::time_of(entry.getSince());
    asked_.push_back(std::move(one));
  }
}

} // namespace instar::bulk

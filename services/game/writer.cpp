#include "services/game/writer.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/game/letters.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace instar::game {

writer::writer(const settings& values, bool together)
    : blocking_operator(blocking::rest_of(values)),
      patience_(std::max<std::chrono::nanoseconds>(values.duration("patience"),
                                                   std::chrono::milliseconds(1))),
      together_(together) {}

void writer::run(blocking_context& ctx) {
  for (;;)
    if (now_.text.empty()) next(ctx);
    else write(ctx);
}

bool writer::left_over(std::size_t, packet& p) {
  waiting_.push_back(read_letter(p.as<record>().read<Letter>()));
  return true;
}

void writer::next(blocking_context& ctx) {
  if (waiting_.empty()) {
    auto come = ctx.receive();
    left_over(come.port, come.what);
  }
  if (together_)
    while (auto come = ctx.receive_until({})) left_over(come->port, come->what);
  now_ = std::move(waiting_.front());
  waiting_.pop_front();
  done_ = 0;
  while (together_ && !now_.last && !waiting_.empty() &&
         waiting_.front().connection == now_.connection) {
    now_.text += waiting_.front().text;
    now_.last = waiting_.front().last;
    waiting_.pop_front();
  }
}

/// A part of it. Who has gone meanwhile gets nothing.
void writer::write(blocking_context& ctx) {
  const auto to = ctx.host<descriptors>().find(now_.connection);
  if (!to) return now_.text.clear();
  pollfd waits{to->fd(), POLLOUT, 0};
  if (ctx.poll(std::span(&waits, 1), patience_).descriptors == 0) {
    ::shutdown(to->fd(), SHUT_RDWR); // its reader sees that
    return now_.text.clear();
  }
  const auto n = ::send(to->fd(), now_.text.data() + done_, now_.text.size() - done_,
                        MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return now_.text.clear();
  done_ += static_cast<std::size_t>(n);
  if (done_ < now_.text.size()) return;
  if (now_.last) ::shutdown(to->fd(), SHUT_RDWR);
  now_.text.clear();
}

void writer::save(state_writer& into) const {
  auto to = into.init<WriterState>();
  if (into.purpose() != save_purpose::hand_over) return;
  to.setConnection(now_.connection);
  to.setText(now_.text);
  to.setDone(done_);
  to.setLast(now_.last);
  write_letters(waiting_, to.initWaiting(static_cast<unsigned>(waiting_.size())));
}

void writer::restore(context&, state_reader& from) {
  const auto saved = from.root<WriterState>();
  now_.connection = saved.getConnection();
  now_.text = saved.getText().cStr();
  now_.last = saved.getLast();
  done_ = std::min<std::size_t>(saved.getDone(), now_.text.size());
  waiting_ = read_letters(saved.getWaiting());
}

} // namespace instar::game

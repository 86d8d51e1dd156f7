#include "services/game/reader.hpp"

#include "services/blocking/common_settings.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <optional>
#include <system_error>
#include <tuple>

namespace instar::game {

reader::reader(const settings& values, std::chrono::nanoseconds patience)
    : blocking_operator(blocking::rest_of(values)), patience_(patience) {}

void reader::run(blocking_context& ctx) {
  for (;;) {
    if (at_) read(ctx);
    else if (!waiting_.empty()) begin(ctx);
    else {
      auto come = ctx.receive();
      left_over(come.port, come.what);
    }
  }
}

bool reader::left_over(std::size_t, packet& p) {
  waiting_.emplace_back(p.key, p.as<descriptor_packet>().what());
  return true;
}

void reader::begin(blocking_context& ctx) {
  std::tie(seat_, at_) = std::move(waiting_.front());
  waiting_.pop_front();
  input_.clear();
  tell(ctx, Order::Kind::SITS);
}

/// Everything that is read is told, or kept, before the next call that may be interrupted.
void reader::read(blocking_context& ctx) {
  pollfd waits{at_->fd(), POLLIN, 0};
  std::optional<std::chrono::nanoseconds> patience;
  if (patience_.count() > 0) patience = patience_;
  if (ctx.poll(std::span(&waits, 1), patience).descriptors == 0) return end(ctx);
  std::size_t n = 0;
  try {
    n = ctx.read(at_->fd(), block_);
  } catch (const std::system_error&) { // the connection is lost
  }
  if (n == 0) return end(ctx);
  input_.append(reinterpret_cast<const char*>(block_.data()), n);
  if (const auto stop = input_.rfind('\n'); stop != std::string::npos) {
    // Together, so that what was said at once is heard at once.
    tell(ctx, Order::Kind::LINES, std::string_view(input_).substr(0, stop + 1));
    input_.erase(0, stop + 1);
  }
  if (input_.size() > longest_line) end(ctx);
}

void reader::end(blocking_context& ctx) {
  tell(ctx, Order::Kind::LEAVES);
  ::shutdown(at_->fd(), SHUT_RDWR); // its writer may have it still
  at_.reset();
  input_.clear();
}

void reader::tell(blocking_context& ctx, Order::Kind kind, std::string_view text) {
  auto made = make_payload<record>();
  auto to = made->init<Order>();
  to.setSeat(seat_);
  to.setConnection(at_->id());
  to.setKind(kind);
  to.setText(std::string(text));
  ctx.emit(out, std::move(made), seat_);
}

void reader::save(state_writer& into) const {
  auto to = into.init<ReaderState>();
  if (into.purpose() != save_purpose::hand_over) return;
  if (at_) {
    to.setSeat(seat_);
    to.setConnection(at_->id());
    to.setInput({reinterpret_cast<const unsigned char*>(input_.data()), input_.size()});
  }
  auto list = to.initWaiting(static_cast<unsigned>(waiting_.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setSeat(waiting_[i].first);
    list[i].setConnection(waiting_[i].second->id());
  }
}

void reader::restore(context& ctx, state_reader& from) {
  auto& all = ctx.host<descriptors>();
  const auto saved = from.root<ReaderState>();
  if ((at_ = all.find(saved.getConnection()))) {
    seat_ = saved.getSeat();
    const auto input = saved.getInput();
    input_.assign(reinterpret_cast<const char*>(input.begin()), input.size());
  }
  for (const auto one : saved.getWaiting())
    if (auto held = all.find(one.getConnection())) waiting_.emplace_back(one.getSeat(), held);
}

} // namespace instar::game

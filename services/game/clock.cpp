#include "services/game/clock.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/game/letters.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace instar::game {

clock::clock(const settings& values, bool jumps)
    : blocking_operator(blocking::rest_of(values)),
      turn_(std::max<std::chrono::nanoseconds>(values.duration("turn"),
                                               std::chrono::milliseconds(1))),
      game_(values.path("game")), save_every_(static_cast<std::uint64_t>(
                                      std::max<std::int64_t>(values.integer("save_every"), 1))),
      world_(jumps) {}

void clock::begin(blocking_context& ctx) {
  begun_ = true;
  if (game_.empty()) return;
  std::ifstream file(game_, std::ios::binary);
  if (!file) return ctx.log(log_level::info, game_.string() + " is not there: a new game begins");
  std::ostringstream text;
  text << file.rdbuf();
  if (const auto wrong = world_.load(text.str()); !wrong.empty())
    ctx.stop_service("cannot go on with the game in " + game_.string() + ": " + wrong +
                     "; move the file away to begin a new game");
}

void clock::run(blocking_context& ctx) {
  if (!begun_) begin(ctx);
  if (due_ == steady::time_point()) due_ = steady::now() + turn_;
  for (;;) {
    tell(ctx, false);
    if (auto come = ctx.receive_until(due_)) left_over(come->port, come->what);
    const auto now = steady::now();
    if (now < due_) continue;
    due_ = std::max(due_ + turn_, now);
    world_.turn();
    tell(ctx, world_.turns() % save_every_ == 0);
  }
}

bool clock::left_over(std::size_t, packet& p) {
  const auto order = p.as<record>().read<Order>();
  switch (order.getKind()) {
  case Order::Kind::SITS:
    world_.sit(order.getSeat(), order.getConnection());
    break;
  case Order::Kind::LEAVES:
    world_.leave(order.getSeat(), order.getConnection());
    break;
  default:
    take_lines(order);
  }
  return true;
}

void clock::take_lines(Order::Reader order) {
  std::string_view rest = order.getText().cStr();
  for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    world_.take(order.getSeat(), order.getConnection(), line);
  }
}

void clock::tell(blocking_context& ctx, bool with_world) {
  if (with_world || !world_.letters.empty()) {
    auto made = make_payload<record>();
    auto to = made->init<News>();
    write_letters(world_.letters, to.initLetters(static_cast<unsigned>(world_.letters.size())));
    to.setTurn(world_.turns());
    if (with_world) to.setWorld(world_.save());
    world_.letters.clear();
    ctx.emit(out, std::move(made));
  }
  while (!world_.freed.empty()) {
    auto made = make_payload<record>();
    made->init<Freed>().setSeat(world_.freed.front());
    world_.freed.pop_front();
    ctx.emit(freed_out, std::move(made));
  }
}

void clock::save(state_writer& into) const {
  auto to = into.init<ClockState>();
  if (!begun_) return;
  to.setWorld(world_.save());
  if (into.purpose() != save_purpose::hand_over) return; // players leave with their connections
  write_letters(world_.letters, to.initLetters(static_cast<unsigned>(world_.letters.size())));
  auto freed = to.initFreed(static_cast<unsigned>(world_.freed.size()));
  for (unsigned i = 0; i < freed.size(); ++i) freed.set(i, world_.freed[i]);
  to.setDue(due_.time_since_epoch().count());
  auto players = to.initPlayers(static_cast<unsigned>(world_.players().size()));
  unsigned i = 0;
  for (const auto& [seat, who] : world_.players()) {
    players[i].setSeat(seat);
    players[i].setConnection(who.connection);
    players[i].setName(who.name);
    auto orders = players[i++].initOrders(static_cast<unsigned>(who.orders.size()));
    for (unsigned k = 0; k < orders.size(); ++k) orders.set(k, who.orders[k]);
  }
}

void clock::restore(context&, state_reader& from) {
  const auto saved = from.root<ClockState>();
  if (!saved.hasWorld()) return;
  if (const auto wrong = world_.load(saved.getWorld().cStr()); !wrong.empty())
    throw std::runtime_error("cannot go on with the game that was handed over: " + wrong);
  begun_ = true;
  world_.letters = read_letters(saved.getLetters());
  for (const auto seat : saved.getFreed()) world_.freed.push_back(seat);
  due_ = steady::time_point(std::chrono::nanoseconds(saved.getDue()));
  for (const auto one : saved.getPlayers()) {
    auto& who = world_.players()[one.getSeat()];
    who.connection = one.getConnection();
    who.name = one.getName().cStr();
    for (const auto order : one.getOrders()) who.orders.emplace_back(order.cStr());
  }
}

} // namespace instar::game

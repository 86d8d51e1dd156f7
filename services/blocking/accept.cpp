#include "services/blocking/accept.hpp"

#include "services/blocking/common_settings.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

namespace instar::blocking {

namespace {

/// Until it is looked again whether there is room, or whether the system has some.
constexpr std::chrono::milliseconds pause_time{20};

} // namespace

accept::accept(const settings& values)
    : blocking_operator(blocking::rest_of(values)), listening_(values),
      max_connections_(
          static_cast<std::size_t>(std::max<std::int64_t>(1, values.integer("max_connections")))) {}

void accept::run(blocking_context& ctx) {
  listening_.take_leaving([&](int connection) { emit(ctx, connection); });
  while (true) {
    make_room(ctx);
    take(ctx);
  }
}

void accept::take(blocking_context& ctx) {
  int connection = -1;
  try {
    connection = ctx.accept(listening_.fd());
  } catch (const std::system_error& e) {
    if (is_of_the_peer(e.code().value())) return;
    const bool too_many = e.code().value() == EMFILE;
    ctx.log(log_level::warning,
            std::string("cannot accept connections now, keeps trying: ") + e.code().message() +
                (too_many ? "; raise the limit of open files (ulimit -n)" : ""));
  }
  if (connection >= 0) emit(ctx, connection);
  else ctx.sleep_for(std::chrono::seconds(1));
}

void accept::emit(blocking_context& ctx, int connection) {
  auto held = ctx.host<descriptors>().hold(connection);
  prepare(connection);
  open_.push_back(held);
  const auto id = held->id();
  ctx.emit(out, make_payload<descriptor_packet>(std::move(held)), id);
}

void accept::make_room(blocking_context& ctx) {
  if (open_.size() < max_connections_) return;
  while (count_open() >= max_connections_) ctx.sleep_for(pause_time);
}

std::size_t accept::count_open() {
  std::erase_if(open_, [](const auto& one) { return one.expired(); });
  return open_.size();
}

void accept::save(state_writer& into) const {
  auto state = into.init<AcceptState>();
  if (into.purpose() != save_purpose::hand_over) return;
  listening_.save(state);
  std::vector<std::uint64_t> ids;
  for (const auto& one : open_)
    if (const auto held = one.lock()) ids.push_back(held->id());
  auto list = state.initConnections(static_cast<unsigned>(ids.size()));
  for (unsigned i = 0; i < ids.size(); ++i) list.set(i, ids[i]);
}

void accept::restore(context& ctx, state_reader& from) {
  const auto state = from.root<AcceptState>();
  auto& all = ctx.host<descriptors>();
  listening_.restore(all, state);
  for (const auto id : state.getConnections())
    if (const auto held = all.find(id)) open_.push_back(held);
}

void accept::claim(context& ctx) { listening_.claim(ctx); }

} // namespace instar::blocking

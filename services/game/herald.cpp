#include "services/game/herald.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/game/letters.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

namespace instar::game {

namespace {

/// 0, or what is wrong.
int write_file(const std::filesystem::path& file, std::string_view text, bool durable) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return errno;
  int error = 0;
  while (!text.empty() && error == 0) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n >= 0) text.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR) error = errno;
  }
  if (error == 0 && durable && ::fsync(fd) != 0) error = errno;
  if (::close(fd) != 0 && error == 0) error = errno;
  return error;
}

} // namespace

herald::herald(const settings& values, bool durable)
    : blocking_operator(blocking::rest_of(values)), game_(values.path("game")), durable_(durable) {}

void herald::run(blocking_context& ctx) {
  for (;;) {
    while (!letters_.empty()) {
      const auto one = std::move(letters_.front());
      letters_.pop_front();
      auto made = make_payload<record>();
      write_letter(one, made->init<Letter>());
      ctx.emit(out, std::move(made), one.seat);
    }
    if (!world_.empty()) save_game(ctx);
    auto come = ctx.receive();
    left_over(come.port, come.what);
  }
}

bool herald::left_over(std::size_t, packet& p) {
  const auto news = p.as<record>().read<News>();
  for (const auto one : news.getLetters()) letters_.push_back(read_letter(one));
  if (news.getWorld().size() > 0 && !game_.empty()) {
    world_ = news.getWorld().cStr();
    turn_ = news.getTurn();
  }
  return true;
}

void herald::save_game(blocking_context& ctx) {
  const auto text = std::exchange(world_, {});
  const auto fresh = game_.string() + ".new";
  int error = write_file(fresh, text, durable_);
  if (error == 0 && std::rename(fresh.c_str(), game_.c_str()) != 0) error = errno;
  if (error == 0) saved_ = turn_;
  else
    ctx.log(log_level::warning, "cannot save the game in " + game_.string() + ": " +
                                    std::strerror(error) + "; that of turn " +
                                    std::to_string(saved_) + " is the latest");
}

void herald::save(state_writer& into) const {
  auto to = into.init<HeraldState>();
  to.setSaved(saved_);
  to.setWorld(world_);
  to.setTurn(turn_);
  if (into.purpose() != save_purpose::hand_over) return;
  write_letters(letters_, to.initLetters(static_cast<unsigned>(letters_.size())));
}

void herald::restore(context&, state_reader& from) {
  const auto saved = from.root<HeraldState>();
  saved_ = saved.getSaved();
  world_ = saved.getWorld().cStr();
  turn_ = saved.getTurn();
  letters_ = read_letters(saved.getLetters());
}

} // namespace instar::game

#include "services/inspect/control.hpp"

#include "services/blocking/common_settings.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <span>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace instar::inspect {

namespace {

constexpr std::size_t longest_line = 256, longest_tag = 16;

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= longest_tag &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c < 127; });
}

/// Up to the next space.
std::string_view next_word(std::string_view& line) {
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

/// A file without a name, in memory.
int make_file() {
  const int fd = ::memfd_create("capture", MFD_CLOEXEC);
  if (fd < 0) throw std::system_error(errno, std::system_category(), "memfd_create");
  return fd;
}

void append(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR)
      throw std::system_error(errno, std::system_category(), "writing a file in memory");
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

} // namespace

control::control(const settings& values, std::optional<std::chrono::nanoseconds> idle,
                 std::string_view commands)
    : blocking_operator(blocking::rest_of(values)), max_file_(values.size("max_file")), idle_(idle),
      commands_(commands) {}

void control::run(blocking_context& ctx) {
  while (true) {
    begin_waiting(ctx);
    end_some(ctx);
    std::vector<pollfd> fds;
    std::vector<client*> who;
    for (auto& one : clients_) {
      fds.push_back({one.second.from->fd(), POLLIN, 0});
      who.push_back(&one.second);
    }
    const auto ready = ctx.poll(fds, until_idle(), true);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents != 0) read_from(ctx, *who[i]);
    if (ready.packet) waiting_.push_back(ctx.receive().what.as<descriptor_packet>().what());
  }
}

void control::begin_waiting(blocking_context& ctx) {
  for (; !waiting_.empty(); waiting_.pop_front()) {
    auto& one = waiting_.front();
    // Who writes waits for all at once, and so for none of them alone.
    ::fcntl(one->fd(), F_SETFL, ::fcntl(one->fd(), F_GETFL) | O_NONBLOCK);
    ctx.emit(connections, make_payload<descriptor_packet>(one), one->id());
    client made;
    made.from = one;
    clients_.emplace(one->id(), std::move(made));
  }
}

/// Connections on which nothing more is asked; `output` closes them when all is answered.
void control::end_some(blocking_context& ctx) {
  const auto now = steady::now();
  for (auto at = clients_.begin(); at != clients_.end();) {
    auto& c = at->second;
    if (idle_ && now - c.heard >= *idle_ && !c.ends) refuse(ctx, c, "* error idle for too long");
    if (!c.ends) {
      ++at;
      continue;
    }
    if (c.left > 0) answer(ctx, c.job, "error the file has not come as a whole");
    auto made = make_payload<record>();
    made->init<wire::Reply>().setGone(at->first);
    ctx.emit(replies, std::move(made));
    at = clients_.erase(at);
  }
}

std::optional<std::chrono::nanoseconds> control::until_idle() const {
  if (!idle_ || clients_.empty()) return std::nullopt;
  auto longest = steady::time_point::max();
  for (const auto& one : clients_) longest = std::min(longest, one.second.heard);
  return std::max<std::chrono::nanoseconds>(longest + *idle_ - steady::now(),
                                            std::chrono::milliseconds(1));
}

void control::read_from(blocking_context& ctx, client& c) {
  std::array<std::byte, 64 * 1024> block;
  std::size_t n = 0;
  try {
    n = ctx.read(c.from->fd(), block);
  } catch (const std::system_error&) { // as if it had ended
  }
  c.heard = steady::now();
  if (n == 0) {
    c.ends = true;
    return;
  }
  std::string_view bytes(reinterpret_cast<const char*>(block.data()), n);
  if (c.left > 0) bytes.remove_prefix(take_file(ctx, c, bytes));
  c.input += bytes;
  understand(ctx, c);
}

void control::understand(blocking_context& ctx, client& c) {
  std::string_view rest = c.input;
  while (!c.ends && !rest.empty()) {
    if (c.left > 0) {
      rest.remove_prefix(take_file(ctx, c, rest));
      continue;
    }
    const auto end = rest.find('\n');
    if (std::min(end, rest.size()) > longest_line) {
      refuse(ctx, c, "* error a line has at most " + std::to_string(longest_line) + " bytes");
      break;
    }
    if (end == rest.npos) break;
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    carry_out(ctx, c, line);
    rest.remove_prefix(end + 1);
  }
  c.input = std::string(c.ends ? std::string_view() : rest);
}

void control::carry_out(blocking_context& ctx, client& c, std::string_view line) {
  const auto whole = line;
  const auto tag = next_word(line);
  if (!is_tag(tag))
    return refuse(ctx, c,
                  "* error a line begins with a tag of 1 to " + std::to_string(longest_tag) +
                      " characters, which its answers have");
  const auto command = next_word(line);
  if (command == "scan") return begin_scan(ctx, c, tag, line);
  if (command == "stats") {
    auto made = make_payload<record>();
    made->init<wire::Question>().setJob(open_job(ctx, c, tag));
    return ctx.emit(questions, std::move(made));
  }
  if (command == "quit") {
    c.ends = true;
    return;
  }
  if (other_command(ctx, c, tag, command)) return;
  const auto asked = whole.substr(std::min(whole.size(), tag.size() + 1));
  say(ctx, c,
      std::string(tag) + " error '" + std::string(asked) + "' is no command; there are " +
          commands_);
}

// -- capture files ------------------------------------------------------------------------------

void control::begin_scan(blocking_context& ctx, client& c, std::string_view tag,
                         std::string_view size) {
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), bytes);
  if (error != std::errc() || end != size.data() + size.size() || bytes == 0 || bytes > max_file_)
    // What follows may be bytes of a file or commands.
    return refuse(ctx, c,
                  std::string(tag) + " error a file has 1 to " + std::to_string(max_file_) +
                      " bytes; write: " + std::string(tag) + " scan BYTES");
  try {
    c.file = ctx.host<descriptors>().hold(make_file());
  } catch (const std::system_error& e) {
    return refuse(ctx, c, std::string(tag) + " error no room for a file now: " + e.what());
  }
  c.left = bytes;
  c.job = open_job(ctx, c, tag);
}

/// Returns how many of the bytes belong to the file.
std::size_t control::take_file(blocking_context& ctx, client& c, std::string_view bytes) {
  const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(c.left, bytes.size()));
  append(c.file->fd(), bytes.substr(0, here));
  c.left -= here;
  if (c.left == 0)
    ctx.emit(files, make_payload<descriptor_packet>(std::exchange(c.file, nullptr)), c.job);
  return here;
}

// -- answers ------------------------------------------------------------------------------------

std::uint64_t control::open_job(blocking_context& ctx, const client& c, std::string_view tag) {
  const auto job = ++jobs_ * 2;
  auto made = make_payload<record>();
  auto into = made->init<wire::Reply>().initOpened();
  into.setJob(job);
  into.setConnection(c.from->id());
  into.setTag(std::string(tag));
  ctx.emit(replies, std::move(made));
  return job;
}

void control::say(blocking_context& ctx, const client& to, const std::string& line) {
  auto made = make_payload<record>();
  auto into = made->init<wire::Reply>().initText();
  into.setConnection(to.from->id());
  into.setLine(line);
  ctx.emit(replies, std::move(made));
}

void control::answer(blocking_context& ctx, std::uint64_t job, const std::string& line) {
  auto made = make_payload<record>();
  auto into = made->init<wire::Reply>().initAnswer();
  into.setJob(job);
  into.setLine(line);
  ctx.emit(replies, std::move(made));
}

/// Says what is wrong, and reads no more.
void control::refuse(blocking_context& ctx, client& c, const std::string& line) {
  say(ctx, c, line);
  c.ends = true;
}

// -- state --------------------------------------------------------------------------------------

bool control::left_over(std::size_t, packet& p) {
  if (!removed()) waiting_.push_back(p.as<descriptor_packet>().what());
  return true;
}

} // namespace instar::inspect

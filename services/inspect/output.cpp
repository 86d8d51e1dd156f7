#include "services/inspect/output.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/inspect/headers.hpp"
#include "services/inspect/wire.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

namespace instar::inspect {

namespace {

std::string protocol_name(std::uint8_t number) {
  if (number == protocol::tcp) return "tcp";
  if (number == protocol::udp) return "udp";
  if (number == protocol::icmp) return "icmp";
  return "ip-" + std::to_string(number);
}

std::string place(std::uint32_t address, std::uint16_t port) {
  return to_text(address) + (port == 0 ? "" : ":" + std::to_string(port));
}

/// `17 1000001 tcp 10.0.0.1:4711 -> 10.0.0.2:80 somebody logs in`
std::string line_of(wire::Alert::Reader alert) {
  const auto header = alert.getHeader();
  return std::to_string(header.getNumber()) + " " + std::to_string(alert.getSid()) + " " +
         protocol_name(header.getProtocol()) + " " +
         place(header.getSource(), header.getSourcePort()) + " -> " +
         place(header.getDestination(), header.getDestinationPort()) + " " +
         alert.getMessage().cStr();
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

output::output(const settings& values)
    : blocking_operator(blocking::rest_of(values)), log_path_(values.path("log").string()),
      max_unread_(static_cast<std::size_t>(values.size("max_unread"))) {}

void output::run(blocking_context& ctx) {
  while (true) {
    write_log(ctx);
    forget_gone();
    std::vector<pollfd> fds;
    std::vector<client*> who;
    for (auto& one : clients_)
      if (one.second.to && !one.second.waiting.empty() && !one.second.broken) {
        fds.push_back({one.second.to->fd(), POLLOUT, 0});
        who.push_back(&one.second);
      }
    const auto ready = ctx.poll(fds, {}, true);
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents != 0) write_some(ctx, *who[i]);
    if (!ready.packet) continue;
    const auto next = ctx.receive();
    take(next.port, next.what);
  }
}

void output::take(std::size_t port, const packet& p) {
  if (port == connections.index) clients_[p.key].to = p.as<descriptor_packet>().what();
  else if (port == replies.index) take(p.as<record>().read<wire::Reply>());
  else if (port == results.index) take(p.as<record>().read<wire::Results>());
  else take(p.as<record>().read<wire::Total>());
}

void output::take(wire::Reply::Reader reply) {
  switch (reply.which()) {
  case wire::Reply::TEXT:
    return say(clients_[reply.getText().getConnection()], reply.getText().getLine().cStr());
  case wire::Reply::OPENED:
    return open(reply.getOpened());
  case wire::Reply::GONE:
    clients_[reply.getGone()].gone = true;
    return;
  case wire::Reply::ANSWER: {
    const auto number = reply.getAnswer().getJob();
    auto& in = jobs_[number];
    say(in, reply.getAnswer().getLine().cStr());
    in.ended = true;
    return finish_if_done(number);
  }
  }
}

void output::open(wire::Opened::Reader opened) {
  auto& in = jobs_[opened.getJob()];
  in.opened = true;
  in.connection = opened.getConnection();
  in.tag = opened.getTag().cStr();
  ++clients_[in.connection].open_jobs;
  for (auto& line : std::exchange(in.early, {})) say(in, std::move(line));
  finish_if_done(opened.getJob());
}

void output::take(wire::Results::Reader results) {
  const auto number = results.getJob();
  auto& in = jobs_[number];
  in.units += results.getUnits();
  in.alerts += results.getAlerts().size();
  for (const auto alert : results.getAlerts()) {
    auto line = line_of(alert);
    if (!is_own(number)) say(in, "alert " + line);
    else if (!log_path_.empty()) log_ += line + "\n";
  }
  finish_if_done(number);
}

void output::take(wire::Total::Reader total) {
  auto& in = jobs_[total.getJob()];
  in.has_total = true;
  in.all_units = total.getUnits();
  in.frames = total.getFrames();
  in.bytes = total.getBytes();
  in.error = total.getError().cStr();
  finish_if_done(total.getJob());
}

void output::finish_if_done(std::uint64_t number) {
  auto& in = jobs_[number];
  if (!in.ended && in.has_total && in.units >= in.all_units) {
    in.ended = true;
    if (!is_own(number))
      say(in, in.error.empty() ? "done frames=" + std::to_string(in.frames) +
                                     " bytes=" + std::to_string(in.bytes) +
                                     " units=" + std::to_string(in.all_units) +
                                     " alerts=" + std::to_string(in.alerts)
                               : "error " + in.error);
  }
  if (!in.ended || (!in.opened && !is_own(number))) return;
  if (in.opened) --clients_[in.connection].open_jobs;
  jobs_.erase(number);
}

void output::say(job& in, std::string line) {
  if (in.opened) say(clients_[in.connection], in.tag + " " + line);
  else in.early.push_back(std::move(line));
}

void output::say(client& to, std::string_view line) {
  if (to.broken) return;
  to.waiting.append(line).append("\n");
  if (to.waiting.size() > max_unread_) give_up(to);
}

// -- writing ------------------------------------------------------------------------------------

void output::write_some(blocking_context& ctx, client& to) const {
  try {
    const auto text = std::string_view(to.waiting).substr(0, share(to.waiting));
    to.waiting.erase(0, ctx.write(to.to->fd(), bytes_of(text)));
  } catch (const std::system_error&) { // it is gone, and `control` hears of it, too
    give_up(to);
  }
}

void output::give_up(client& to) {
  to.broken = true;
  to.waiting.clear();
  if (to.to) ::shutdown(to.to->fd(), SHUT_RDWR);
}

/// Whose answers are all written, or not wanted.
void output::forget_gone() {
  std::erase_if(clients_, [](const auto& one) {
    const auto& c = one.second;
    return c.gone && c.to && c.open_jobs == 0 && c.waiting.empty();
  });
}

/// The file may be moved away at any time. Writing to it does not wait for anybody.
void output::write_log(blocking_context& ctx) {
  if (log_.empty()) return;
  const int fd = ::open(log_path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  while (fd >= 0 && !log_.empty()) {
    const auto n = ::write(fd, log_.data(), log_.size());
    if (n > 0) log_.erase(0, static_cast<std::size_t>(n));
    else if (errno != EINTR) break;
  }
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!log_.empty() && !std::exchange(log_failed_, true))
    ctx.log(log_level::warning, "alerts are lost, cannot write to " + log_path_ + ": " +
                                    std::system_category().message(error) +
                                    "; make room, or set output.log to another file");
  if (log_.empty()) log_failed_ = false;
  log_.clear();
}

// -- state --------------------------------------------------------------------------------------

bool output::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // clients are still told
  take(port, p);
  return true;
}

void output::save(state_writer& into) const {
  auto state = into.init<OutputState>();
  state.setLog(data_of(log_));
  const bool same_process = into.purpose() == save_purpose::hand_over;
  std::vector<std::pair<std::uint64_t, const job*>> kept;
  for (const auto& one : jobs_)
    if (same_process || is_own(one.first)) kept.emplace_back(one.first, &one.second);
  auto jobs = state.initJobs(static_cast<unsigned>(kept.size()));
  for (unsigned i = 0; i < kept.size(); ++i) {
    const auto& from = *kept[i].second;
    auto to = jobs[i];
    to.setNumber(kept[i].first);
    to.setOpened(from.opened);
    to.setConnection(from.connection);
    to.setTag(from.tag);
    to.setUnits(from.units);
    to.setAlerts(from.alerts);
    auto early = to.initEarly(static_cast<unsigned>(from.early.size()));
    for (unsigned n = 0; n < early.size(); ++n) early.set(n, from.early[n]);
    to.setEnded(from.ended);
    if (!from.has_total) continue;
    auto total = to.initTotal();
    total.setJob(kept[i].first);
    total.setUnits(from.all_units);
    total.setFrames(from.frames);
    total.setBytes(from.bytes);
    total.setError(from.error);
  }
  if (!same_process) return;
  auto clients = state.initConnections(static_cast<unsigned>(clients_.size()));
  unsigned i = 0;
  for (const auto& one : clients_) {
    auto to = clients[i++];
    to.setConnection(one.first);
    to.setOpen(one.second.to != nullptr);
    to.setGone(one.second.gone);
    to.setBroken(one.second.broken);
    to.setOutput(data_of(one.second.waiting));
  }
}

void output::restore(context& ctx, state_reader& from) {
  const auto state = from.root<OutputState>();
  log_ = octets_of(state.getLog());
  auto& all = ctx.host<descriptors>();
  for (const auto one : state.getConnections()) {
    auto& made = clients_[one.getConnection()];
    if (one.getOpen()) made.to = all.find(one.getConnection());
    made.gone = one.getGone();
    made.broken = one.getBroken();
    made.waiting = octets_of(one.getOutput());
  }
  for (const auto one : state.getJobs()) {
    auto& made = jobs_[one.getNumber()];
    made.opened = one.getOpened();
    made.connection = one.getConnection();
    made.tag = one.getTag().cStr();
    made.units = one.getUnits();
    made.alerts = one.getAlerts();
    for (const auto line : one.getEarly()) made.early.emplace_back(line.cStr());
    made.ended = one.getEnded();
    if (made.opened) ++clients_[made.connection].open_jobs;
    if (!one.hasTotal()) continue;
    made.has_total = true;
    made.all_units = one.getTotal().getUnits();
    made.frames = one.getTotal().getFrames();
    made.bytes = one.getTotal().getBytes();
    made.error = one.getTotal().getError().cStr();
  }
}

} // namespace instar::inspect

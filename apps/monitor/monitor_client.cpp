#include "apps/monitor/monitor_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace instar::clients {

namespace {

using steady = std::chrono::steady_clock;

int connect_datagrams(const std::string& host, const std::string& port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found) != 0)
    throw std::runtime_error("cannot find " + host + " UDP port " + port);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> frees_it(found, ::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && ::connect(fd, found->ai_addr, found->ai_addrlen) == 0) return fd;
  if (fd >= 0) ::close(fd);
  throw std::runtime_error("cannot send to " + host + " UDP port " + port);
}

/// The number behind ` NAME ` in an answer.
std::uint64_t number_of(const std::string& text, const std::string& name) {
  const auto at = text.find(" " + name + " ");
  if (at == text.npos) throw std::runtime_error("no '" + name + "' in '" + text + "'");
  return std::stoull(text.substr(at + name.size() + 2));
}

} // namespace

monitor_client::monitor_client(std::string host, std::uint16_t port, std::size_t number)
    : host_(std::move(host)), port_(port),
      name_("member-" + std::to_string(::getpid()) + "-" + std::to_string(number)) {}

monitor_client::~monitor_client() {
  if (datagrams_ >= 0) ::close(datagrams_);
}

void monitor_client::open() {
  if (datagrams_ >= 0) ::close(std::exchange(datagrams_, -1));
  to_ = connection(host_, port_);
  const std::string_view begin = "receives at ";
  const auto give_up = steady::now() + connection::patience;
  std::string where;
  while ((where = question("where")).size() <= begin.size()) // it has just been started
    if (steady::now() > give_up) throw std::runtime_error("the monitor does not receive");
  if (!where.starts_with(begin)) throw std::runtime_error("where: answered '" + where + "'");
  datagrams_ = connect_datagrams(host_, where.substr(where.rfind(':') + 1));
  incarnation_ = static_cast<std::uint64_t>(steady::now().time_since_epoch().count());
  sequence_ = 0;
}

std::string monitor_client::question(const std::string& text) {
  to_.send(text + "\n");
  return to_.line();
}

void monitor_client::tell(const char* what) {
  const auto text = std::string(what) + " " + name_ + " " + std::to_string(incarnation_) + " " +
                    std::to_string(++sequence_) + " sent=" + std::to_string(sent_) + " retries=0\n";
  if (::send(datagrams_, text.data(), text.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error("cannot send a datagram");
}

std::uint64_t monitor_client::ask() {
  take_polls();
  sent_ += sequence_ % 7;
  tell("status");
  auto answers = wait_until_known();
  if (sequence_ % 16 == 0) answers += find_among_all();
  return answers;
}

/// Asks until what was told last is known. What was known before is never forgotten.
std::uint64_t monitor_client::wait_until_known() {
  const auto give_up = steady::now() + connection::patience;
  const auto run = " incarnation " + std::to_string(incarnation_);
  const auto expected = "member " + name_ + " alive" + run;
  const auto silent = "member " + name_ + " silent" + run;
  std::uint64_t answers = 0;
  for (;;) {
    const auto said = question("member " + name_);
    ++answers;
    const bool alive = said.starts_with(expected);
    if (sequence_ > 1 || alive) {
      // Who was late with what he told last may have counted as silent until then.
      if (!alive && (!said.starts_with(silent) || number_of(said, "seq") == sequence_))
        throw std::runtime_error("member: answered '" + said + "'");
      const auto known = number_of(said, "seq");
      if (known == sequence_) {
        if (number_of(said, "received") != sequence_ || number_of(said, "lost") != 0 ||
            said.find(" sent=" + std::to_string(sent_)) == said.npos)
          throw std::runtime_error("told " + std::to_string(sequence_) + " times, at last sent=" +
                                   std::to_string(sent_) + ", but known is '" + said + "'");
        return answers;
      }
      if (known + 1 != sequence_)
        throw std::runtime_error("sequence " + std::to_string(sequence_) + ", but known is '" +
                                 said + "'");
    }
    if (steady::now() > give_up) throw std::runtime_error("a status did not arrive");
  }
}

std::uint64_t monitor_client::find_among_all() {
  bool found = false;
  const auto expected = name_ + " alive seq " + std::to_string(sequence_) + " ";
  for (auto line = question("members"); line != "end"; line = to_.line()) {
    if (line.starts_with("error")) throw std::runtime_error(line);
    found = found || line.starts_with(expected);
  }
  if (!found) throw std::runtime_error("not among the members: " + expected);
  return 1;
}

/// Being asked needs no answer of its own: the next status is on its way.
void monitor_client::take_polls() {
  std::array<char, 256> block;
  for (ssize_t n; (n = ::recv(datagrams_, block.data(), block.size(), MSG_DONTWAIT)) > 0; ++polls_)
    if (const std::string_view said(block.data(), static_cast<std::size_t>(n));
        !said.starts_with("poll "))
      throw std::runtime_error("a datagram '" + std::string(said) + "' came");
}

void monitor_client::close() {
  tell("leave");
  const auto give_up = steady::now() + connection::patience;
  while (!question("member " + name_).starts_with("member " + name_ + " left "))
    if (steady::now() > give_up) throw std::runtime_error("it was not seen to leave");
  to_.send("quit\n");
  to_.expect_end();
}

void monitor_client::count(tally& into) const { into.more["polls"] += polls_; }

} // namespace instar::clients

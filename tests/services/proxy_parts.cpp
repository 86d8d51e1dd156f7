#include "services/proxy_parts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace instar::test {

namespace {

/// Reads into `text` until `done(text)` says where what is wanted ends; npos if the peer ends
/// first.
template <class Done>
std::size_t read_until(int fd, std::string& text, Done&& done) {
  char block[16 * 1024];
  while (true) {
    if (const auto at = done(); at != std::string::npos) return at;
    const auto n = ::recv(fd, block, sizeof block, 0);
    if (n <= 0) return std::string::npos;
    text.append(block, static_cast<std::size_t>(n));
  }
}

} // namespace

std::string upstream::asked::target() const {
  const auto from = head.find(' ') + 1;
  return head.substr(from, head.find(' ', from) - from);
}

bool write_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string answer_text(std::string_view body, std::string_view more) {
  return "HTTP/1.1 200 OK\r\n" + std::string(more) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

upstream::upstream(behaviour does, std::uint16_t port) : does_(std::move(does)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
      ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("no port for an upstream server");
  port_ = ntohs(at.sin_port);
  accepts_ = std::thread([this] { accept_all(); });
}

void upstream::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections;
    std::lock_guard lock(guard_);
    sessions_.push_back({fd, {}});
    sessions_.back().serves = std::thread([this, fd] { serve(fd); });
  }
}

void upstream::serve(int fd) {
  std::string text;
  while (true) {
    const auto head = read_until(fd, text, [&] { return text.find("\r\n\r\n"); });
    if (head == std::string::npos) break;
    asked one{text.substr(0, head + 4), {}};
    text.erase(0, head + 4);
    const auto at = one.head.find("\r\nContent-Length: ");
    const auto size = at == std::string::npos ? 0 : std::stoul(one.head.substr(at + 18));
    const auto enough = [&] { return text.size() < size ? std::string::npos : size; };
    if (read_until(fd, text, enough) == std::string::npos) break;
    one.body = text.substr(0, size);
    text.erase(0, size);
    ++requests;
    if (!does_(fd, one)) break;
  }
  ::shutdown(fd, SHUT_RDWR);
}

void upstream::close_connections() {
  std::list<session> ended;
  {
    std::lock_guard lock(guard_);
    ended.swap(sessions_);
  }
  for (auto& one : ended) {
    ::shutdown(one.fd, SHUT_RDWR);
    one.serves.join();
    ::close(one.fd);
  }
}

void upstream::stop() {
  if (listener_ < 0) return;
  ::shutdown(listener_, SHUT_RDWR);
  accepts_.join();
  ::close(std::exchange(listener_, -1));
  close_connections();
}

// -- proxied_site -------------------------------------------------------------------------------

proxied_site::proxied_site(options first) : options_(std::move(first)) {
  service_.offer(net::reactor::resource_name, &sockets_);
  const auto started = apply(step::plain);
  REQUIRE_MESSAGE(started.outcome == transition_outcome::committed, started.reason);
  const auto find_port = [&] {
    for (std::uint64_t id = 1; id < 10 && port_ == 0; ++id)
      if (const auto held = sockets_.find(id))
        if (const auto at = held.as<net::listener>()) port_ = at->port();
    return port_ != 0;
  };
  for (int tries = 0; tries < 1000 && !find_port(); ++tries)
    std::this_thread::sleep_for(10ms); // operators start once the transition has committed
  REQUIRE(port_ != 0);
}

history_entry proxied_site::apply(step to, const options& with,
                                  std::chrono::milliseconds deadline) {
  std::promise<history_entry> done;
  service_.apply({graph_of(to, with), "test", deadline},
                 [&](history_entry e) { done.set_value(std::move(e)); });
  return done.get_future().get();
}

client proxied_site::dial() const {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port_);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    ::close(fd);
    throw std::runtime_error("nobody listens");
  }
  return client(fd);
}

void proxied_site::write(const std::string& name, const std::string& text) const {
  const auto path = folder_.path() / name;
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

service_options proxied_site::host() {
  service_options o;
  o.events = &sockets_;
  o.blocking_threads = 2; // so that all of them run from the first requests on
  return o;
}

graph proxied_site::graph_of(step s, const options& with) const {
  const auto op = [](const std::string& name, const std::string& type, const std::string& more) {
    return name + " = { type = '" + type + "'" + more + " }\n";
  };
  const auto root = ", root = '" + folder_.path().string() + "'";
  const bool proxied = s == step::proxied;
  std::string text = "[graph]\nname = 'http'\nmodules = ['" INSTAR_TEST_MODULES "']\narcs = [";
  if (s == step::plain) {
    text += "'accept -> read -> parse -> load -> compose -> reply'";
  } else {
    text += "'accept -> read -> parse -> cache.request', 'cache.response -> compose -> reply', ";
    text += proxied ? "'cache.miss -> cond', 'cond.local -> load -> merge.local', "
                      "'cond.upstream -> join.request', 'join.ask -> send.question', "
                      "'send.exchange -> receive.exchange', 'join.response -> merge.upstream', "
                      "{ chain = 'merge -> cache.loaded', feedback = 'hand_over' }"
                    : "'cache.miss -> load', "
                      "{ chain = 'load -> cache.loaded', feedback = 'hand_over' }";
  }
  text += "]\n[operators]\n";
  text +=
      op("accept", "net.accept@1", ", port = 0") + op("read", "net.read@1", "") +
      op("parse", "http.parse@1", proxied ? ", whole = true, max_body = '1MiB'" + with.parse : "") +
      op("load", "http.load@1", root) + op("compose", "http.compose@1", "") +
      op("reply", proxied ? "http.reply@2" : "http.reply@1", "");
  if (s != step::plain) text += op("cache", "http.cache@1", ", max_age = '1ms'");
  if (proxied)
    text += op("cond", "proxy.cond@1", ", prefixes = '/up/'" + with.cond) +
            op("join", "proxy.join@1", with.join) +
            op("send", "proxy.send@1", ", upstream = '" + with.upstream + "'" + with.send) +
            op("receive", "proxy.receive@1", with.receive) +
            op("merge", "proxy.merge@1", with.merge);
  auto file = parse_graph(text, folder_.path() / "test.toml");
  for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
  return std::move(file.content);
}

} // namespace instar::test

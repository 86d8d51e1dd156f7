#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"
#include "services/net/reactor.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace instar::test {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 11);
  return text;
}

/// Further settings of its operators, as in a graph file, each with a comma before it.
struct site_settings {
  std::string accept = {}, read = {}, parse = {}, load = {}, reply = {};
};

/// The real service from the real modules, on a port of its own, with a folder to serve.
class site {
public:
  explicit site(site_settings more = {}) : more_(std::move(more)) {
    write("small", pattern(2'000));
    write("large", pattern(20'000'000));
    service_.offer(net::reactor::resource_name, &sockets_);
    std::promise<history_entry> started;
    service_.apply({graph_of(1), "test", 10s},
                   [&](history_entry e) { started.set_value(std::move(e)); });
    const auto outcome = started.get_future().get();
    REQUIRE_MESSAGE(outcome.outcome == transition_outcome::committed, outcome.reason);
    for (int tries = 0; tries < 1000 && (port_ = listening_at()) == 0; ++tries)
      std::this_thread::sleep_for(10ms); // operators start once the transition has committed
    REQUIRE(port_ != 0);
  }

  history_entry update(std::vector<operator_update> what) {
    std::promise<history_entry> done;
    service_.update(std::move(what), "test", 5s,
                    [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  /// Replaces `accept`, `read` and `parse` by instances with another setting, and `load` and
  /// `reply` by `version`, all in one transition.
  history_entry replace_all(std::uint32_t version, int variant) {
    return apply(graph_of(static_cast<int>(version), variant));
  }
  /// To the graph with a cache between `parse` and `compose`, or to the one without.
  history_entry with_cache() { return apply(graph_of(1, 0, true)); }
  history_entry without_cache() { return apply(graph_of(1)); }
  history_entry roll_back() {
    std::promise<history_entry> done;
    service_.rollback({}, "test", 5s, [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  /// The NIO switch, or back.
  history_entry switch_to(std::uint32_t version) {
    return update({{"load", "http.load", version}, {"reply", "http.reply", version}});
  }
  std::future<history_entry> stop() {
    auto done = std::make_shared<std::promise<history_entry>>();
    service_.stop("test", 5s, [done](history_entry e) { done->set_value(std::move(e)); });
    return done->get_future();
  }

  client dial(int receive_buffer = 0) const { return dial_to(port_, receive_buffer); }
  static client dial_to(std::uint16_t port, int receive_buffer = 0) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd);
      throw std::runtime_error("nobody listens");
    }
    return client(fd);
  }
  /// One that nobody listens on.
  static std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    return ntohs(at.sin_port);
  }
  service_status status() {
    std::promise<service_status> got;
    service_.status([&](service_status st) { got.set_value(std::move(st)); });
    return got.get_future().get();
  }
  std::size_t connections() const { return sockets_.connections(); }
  std::uint16_t port() const { return port_; }
  const fs::path& folder() const { return folder_.path(); }
  /// To the graph with an access log before `reply`.
  history_entry with_log() { return apply(graph_of(1, 0, false, true)); }
  history_entry apply(graph wanted, std::chrono::nanoseconds deadline = 5s) {
    std::promise<history_entry> done;
    service_.apply({std::move(wanted), "test", deadline},
                   [&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }

private:
  std::uint16_t listening_at() {
    for (std::uint64_t id = 1; id < 10; ++id)
      if (const auto held = sockets_.find(id))
        if (const auto at = held.as<net::listener>()) return at->port();
    return 0;
  }
  service_options options() {
    service_options o;
    o.events = &sockets_;
    o.blocking_threads = 2; // so that all of them run from the first requests on
    return o;
  }
  void write(const char* name, const std::string& text) const {
    std::ofstream(folder() / name, std::ios::binary) << text;
  }
  graph graph_of(int version, int variant = 0, bool cached = false, bool logged = false) const {
    const auto v = std::to_string(version);
    const auto more = std::to_string(variant);
    auto file =
        parse_graph("[graph]\nname = 'http'\nmodules = ['" INSTAR_TEST_MODULES "']\narcs = [" +
                        std::string(cached   ? around_cache
                                    : logged ? with_log_arcs
                                             : plain) +
                        "]\n"
                        "[operators]\n" +
                        (cached ? "cache = { type = 'http.cache@1' }\n" : "") +
                        (logged ? "log = { type = 'http.log@1', file = '" + folder().string() +
                                      "/access.log', flush_every = '5ms' }\n"
                                : "") +
                        "accept = { type = 'net.accept@1', port = 0, max_connections = 9" + more +
                        more_.accept +
                        " }\n"
                        "read = { type = 'net.read@1', idle_timeout = '7" +
                        more + "s'" + more_.read +
                        " }\n"
                        "parse = { type = 'http.parse@1', max_pipelined = 6" +
                        more + more_.parse +
                        " }\n"
                        "load = { type = 'http.load@" +
                        v + "', root = '" + folder().string() + "'" + more_.load +
                        " }\n"
                        "compose = { type = 'http.compose@1' }\n"
                        "reply = { type = 'http.reply@" +
                        v + "'" + more_.reply + " }\n",
                    folder() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    return std::move(file.content);
  }

  static constexpr const char* plain = "'accept -> read -> parse -> load -> compose -> reply'";
  static constexpr const char* with_log_arcs =
      "'accept -> read -> parse -> load -> compose -> log -> reply'";
  static constexpr const char* around_cache =
      "'accept -> read -> parse -> cache.request', 'cache.miss -> load', "
      "{ chain = 'load -> cache.loaded', feedback = 'hand_over' }, "
      "'cache.response -> compose -> reply'";

  const site_settings more_;
  const temporary_folder folder_; // goes after the service, which writes a log into it
  net::reactor sockets_;
  service service_{options()};
  std::uint16_t port_ = 0;
};

inline std::string get(const std::string& target, const char* more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

/// Reads one response; blocks. Empty if the connection ends before it is complete.
inline std::string receive(const client& from, std::string& ahead) {
  char block[65536];
  const auto more = [&] {
    const auto n = ::recv(from.fd(), block, sizeof block, 0);
    if (n > 0) ahead.append(block, static_cast<std::size_t>(n));
    return n > 0;
  };
  std::size_t head = 0;
  while ((head = ahead.find("\r\n\r\n")) == std::string::npos)
    if (!more()) return {};
  const auto at = ahead.find("Content-Length: ") + 16;
  const auto size = head + 4 + std::stoul(ahead.substr(at));
  while (ahead.size() < size)
    if (!more()) return {};
  auto made = ahead.substr(0, size);
  ahead.erase(0, size);
  return made;
}

inline std::string body_of(const std::string& text) {
  return text.substr(text.find("\r\n\r\n") + 4);
}
inline int status_of(const std::string& text) {
  return text.size() > 12 ? std::stoi(text.substr(9, 3)) : 0;
}

} // namespace instar::test

#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"
#include "services/net/reactor.hpp"
#include "services/site.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace instar::test {

/// An HTTP server that does what a test wants, on a port of its own: one thread for each
/// connection.
class upstream {
public:
  /// What it got; `body` without its framing.
  struct asked {
    std::string head, body;
    std::string target() const;
  };
  /// Answers on `fd`, or does something worse; returns whether the connection goes on.
  using behaviour = std::function<bool(int fd, const asked&)>;

  explicit upstream(behaviour does, std::uint16_t port = 0);
  ~upstream() { stop(); }
  /// Closes all that it has, as if it were killed.
  void stop();
  /// Closes the connections on which it waits for a request.
  void close_connections();

  std::uint16_t port() const { return port_; }
  std::atomic<int> connections = 0, requests = 0;

private:
  struct session {
    int fd;
    std::thread serves;
  };

  void accept_all();
  void serve(int fd);

  const behaviour does_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex guard_;
  std::list<session> sessions_;
  std::thread accepts_;
};

/// Writes all of it; false if the peer is gone.
bool write_text(int fd, std::string_view text);
std::string answer_text(std::string_view body, std::string_view more = "");

/// The service of apps/http, in its steps: plain, with a cache, with the proxy in front of `port`.
class proxied_site {
public:
  /// Further settings of its operators, as in a graph file, each with a comma before it.
  struct options {
    std::string upstream; // as `send.upstream`
    std::string cond = {}, join = {}, send = {}, receive = {}, merge = {}, parse = {};
  };

  explicit proxied_site(options first);

  enum class step { plain, cached, proxied };
  history_entry apply(step to) { return apply(to, options_); }
  history_entry apply(step to, const options& with, std::chrono::milliseconds deadline = 10s);

  client dial() const;
  std::size_t connections() const { return sockets_.connections(); }
  std::size_t registered() const { return sockets_.registered(); }
  void write(const std::string& name, const std::string& text) const;

private:
  graph graph_of(step s, const options& with) const;
  service_options host();

  const options options_;
  temporary_folder folder_;
  net::reactor sockets_;
  service service_{host()};
  std::uint16_t port_ = 0;
};

} // namespace instar::test

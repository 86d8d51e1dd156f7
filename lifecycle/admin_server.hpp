#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/wanted_change.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace instar {

class service;

struct admin_options {
  std::filesystem::path socket;
  std::string version; ///< of instar, for the handshake
  /// Turns the text of a request into a graph. Called on the server's thread.
  std::function<graph_file(const graph_text&)> read_graph;
  std::size_t max_connections = 32;
  std::size_t max_open_requests = 64;                   ///< of one connection
  std::size_t max_message_bytes = std::size_t{4} << 20; ///< of one request
  std::chrono::milliseconds hello_within = std::chrono::seconds(5);
  /// A connection without a request for so long is closed.
  std::chrono::milliseconds idle_limit = std::chrono::minutes(10);
};

/// Serves the admin socket: takes requests from instarctl and hands them to a service.
///
/// Loading a module is running code, so only root and the user of this process are let in; others
/// are closed with a log line. Whatever a peer sends, the worst that happens is that its own
/// connection is closed, with one log line. Runs on one thread of its own.
class admin_server {
public:
  /// Takes possession of the socket. `target` must outlive the server.
  static result<std::unique_ptr<admin_server>> claim(service& target, admin_options options);

  /// Begins to answer; who connected before waits until now. To be called once.
  result<void> start();

  /// Closes all connections, joins the thread, removes the socket. What was asked for goes on in
  /// the service. Idempotent.
  void stop();

  ~admin_server();

private:
  struct parts;
  explicit admin_server(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

} // namespace instar

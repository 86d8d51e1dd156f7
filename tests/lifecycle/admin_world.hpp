#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/admin_client.hpp"
#include "lifecycle/admin_server.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"
#include "temporary_folder.hpp"

#include <spdlog/spdlog.h>

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace instar::test {

/// What is logged while it exists, instead of on stderr.
class captured_log {
public:
  captured_log();
  ~captured_log();
  std::size_t lines_with(const std::string& part) const;

private:
  class lines;
  std::shared_ptr<lines> lines_;
  std::shared_ptr<spdlog::logger> before_;
};

/// A real service of two small operators behind a real admin socket.
///
/// `tick@1` and `tick@2` emit numbers, `sink@1` and `sink@2` take them; `stubborn@1` takes them as
/// well, but is never ready to be replaced.
class admin_world {
public:
  explicit admin_world(admin_options options = {});
  ~admin_world();

  static std::string graph_of(const std::string& sink);
  static wanted_change change_to(const std::string& sink);

  const std::filesystem::path& socket() const { return socket_; }
  service& running() { return *service_; }
  admin_server& server() { return *server_; }
  std::unique_ptr<admin_client> client() const;
  history_entry apply(const std::string& sink);
  /// Whether a new client is served.
  bool answers() const;

private:
  temporary_folder folder_;
  std::filesystem::path socket_;
  std::unique_ptr<service> service_;
  std::unique_ptr<admin_server> server_;
};

/// A connection that speaks whatever it likes.
class raw_connection {
public:
  explicit raw_connection(const std::filesystem::path& to);
  ~raw_connection();
  void send(const std::string& bytes);
  void end_sending();
  /// Whether the other side closes it within five seconds.
  bool is_closed();

private:
  int fd_;
};

} // namespace instar::test

#pragma once

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace instar::load {

/// A non-blocking TCP connection that an epoll watches, edge-triggered.
class connection {
public:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  connection(connection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~connection() { close(); }

  /// Begins to connect; false if that failed at once. `tag` comes back with its events.
  bool open(const sockaddr_in& to, int epoll, std::uint64_t tag);
  void close();

  bool is_open() const { return fd_ >= 0; }
  /// The error of a connection attempt or of the connection, 0 = none.
  int error() const;

  enum class io { some, would_block, ended, broken };
  io send(std::string_view bytes, std::size_t& sent);
  io receive(char* to, std::size_t room, std::size_t& got);

private:
  int fd_ = -1;
};

} // namespace instar::load

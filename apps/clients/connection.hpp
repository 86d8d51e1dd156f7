#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace instar::clients {

/// A TCP connection of a client that has nothing else to do than to wait for its answers.
///
/// Every member throws `std::runtime_error` with what has happened, if the other side is not there,
/// ends the connection, or says nothing for longer than `patience`.
class connection {
public:
  static constexpr std::chrono::seconds patience{10};

  connection() = default;
  /// Connects. `host` is a name or a numeric address.
  connection(const std::string& host, std::uint16_t port);
  connection(connection&& other) noexcept;
  connection& operator=(connection&& other) noexcept;
  ~connection() { close(); }

  bool is_open() const noexcept { return fd_ >= 0; }
  int fd() const noexcept { return fd_; }
  void close() noexcept;
  /// Says that nothing more is sent; what the other side sends can still be read.
  void end() const noexcept;

  void send(std::string_view text) const;

  /// Up to the next line feed, without that and a carriage return before it. A line of more than
  /// 64 KiB is a failure.
  std::string line();
  /// So many bytes.
  std::string read(std::size_t size);
  /// Until `into` is full.
  void read(std::span<char> into);
  /// At least one byte, whatever has come; empty at the end.
  std::string some();
  /// Waits for the end. Throws if something else comes.
  void expect_end();

private:
  bool fill();

  int fd_ = -1;
  std::string ahead_; // what was received beyond what was asked for, from `at_` on
  std::size_t at_ = 0;
};

} // namespace instar::clients

#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace instar::stream {

/// How one listens.
struct listening {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  /// Between two frames; who is slow is sent fewer.
  std::chrono::milliseconds pause{0};
  /// What the source reads, if it is known.
  std::shared_ptr<const std::string> content = nullptr;
};

/// Listens on one connection. Each frame has to be whole and the next one, as to its number and as
/// to its bytes, or the service has to have said how many are missing.
class listener final : public clients::client {
public:
  explicit listener(listening how) : how_(std::move(how)) {}

  void open() override;
  std::uint64_t ask() override;
  void close() override { connection_.close(); }
  void count(clients::tally& into) const override;

private:
  void on_frame(const std::string& line);
  void on_number(std::uint64_t sequence);

  const listening how_;
  clients::connection connection_;
  std::optional<std::uint64_t> next_;     // frame
  std::optional<std::uint64_t> position_; // of its bytes; unknown after frames that are missing
  std::string data_;
  std::uint64_t frames_ = 0, silent_ = 0, dropped_ = 0;
};

/// What the service says of itself.
struct stream_stats {
  std::uint64_t listeners = 0, frames = 0, dropped = 0, bytes = 0;
};
stream_stats ask_stats(const std::string& host, std::uint16_t port);

} // namespace instar::stream

#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace instar::bulk {

/// Bytes of all that the service has moved, by one of its reports.
struct totals {
  std::uint64_t received = 0, sent = 0;
};
/// Asks for a report, and checks that its intervals follow each other.
totals ask_report(clients::connection& on);

/// Sends bytes, asks for bytes and for reports, on one connection. Every byte is compared.
class transfer_client final : public clients::client {
public:
  /// Transfers have from 0 to `most` bytes.
  transfer_client(std::string host, std::uint16_t port, std::uint64_t most, std::size_t number);

  void open() override;
  std::uint64_t ask() override;
  void close() override;
  void count(clients::tally& into) const override;

private:
  void send();
  void take();

  const std::string host_;
  const std::uint16_t port_;
  const std::uint64_t most_;
  std::mt19937_64 random_;
  clients::connection connection_;
  std::vector<char> block_;
  std::uint64_t sent_ = 0, taken_ = 0;
  totals seen_; // in the last report
};

} // namespace instar::bulk

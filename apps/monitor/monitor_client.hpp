#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace instar::clients {

/// A member of what the monitor watches, and a client of the monitor: tells its counters in
/// datagrams, and asks whether the monitor knows them, all of them, and lost none.
class monitor_client final : public client {
public:
  monitor_client(std::string host, std::uint16_t port, std::size_t number);
  ~monitor_client() override;

  void open() override;
  std::uint64_t ask() override;
  void close() override;
  void count(tally& into) const override;

private:
  std::string question(const std::string& text);
  void tell(const char* what);
  std::uint64_t wait_until_known();
  std::uint64_t find_among_all();
  void take_polls();

  const std::string host_;
  const std::uint16_t port_;
  const std::string name_;
  connection to_;
  int datagrams_ = -1;
  std::uint64_t incarnation_ = 0, sequence_ = 0, sent_ = 0, polls_ = 0;
};

} // namespace instar::clients

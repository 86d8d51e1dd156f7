#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"
#include "apps/inspect/traffic.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace instar::inspect {

/// Sends capture files and checks that each alert comes that has to, once, and no other; asks for
/// the statistics between.
class scanner final : public clients::client {
public:
  scanner(std::string host, std::uint16_t port, std::size_t number);

  void open() override;
  std::uint64_t ask() override;
  void close() override;
  void count(clients::tally& into) const override;

private:
  /// A file that was sent, and what has come of it.
  struct expected {
    const traffic* what = nullptr;
    std::vector<std::string> alerts;
  };

  void send(const traffic& what, const std::string& tag);
  void receive(std::map<std::string, expected> open);
  void check_alerts(const traffic& what, std::vector<std::string> found);
  static void check_done(const traffic& what, const std::string& line);
  void ask_statistics();

  const std::string host_;
  const std::uint16_t port_;
  const traffic small_, large_;
  std::uint64_t asked_ = 0, alerts_ = 0, seen_frames_ = 0;
  clients::connection line_;
};

} // namespace instar::inspect

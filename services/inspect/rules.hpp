#pragma once

#include "services/inspect/octets.hpp"
#include "transfer/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace instar::inspect {

/// Where the bytes of a unit come from and go to.
struct endpoints {
  std::uint8_t protocol = 0;
  std::uint32_t source = 0, destination = 0;
  std::uint16_t source_port = 0, destination_port = 0;
};

/// What raises an alert: in the words of Snort and Suricata, as far as they go here,
///
///   alert tcp any any -> 10.0.0.0/8 80 (msg:"login"; content:"pass|3a 20|"; nocase; sid:7;)
struct rule {
  struct network {
    std::uint32_t address = 0, mask = 0;
    bool has(std::uint32_t other) const { return (other & mask) == address; }
  };
  struct port_range {
    std::uint16_t from = 0, to = 65535;
    bool has(std::uint16_t port) const { return port >= from && port <= to; }
  };

  std::uint32_t sid = 0;
  std::string message;
  std::uint8_t protocol = 0; ///< 0 = any
  network source, destination;
  port_range source_ports, destination_ports;
  bool both_ways = false;
  std::string content;
  bool nocase = false;

  bool applies(const endpoints& to) const;
};

/// A longer content could hide on the border of two segments.
inline constexpr std::size_t longest_content = 256;

/// One rule a line; what begins with # is a remark. The failure names file, line, cause and remedy.
result<std::vector<rule>> parse_rules(std::string_view text, const std::string& file);

} // namespace instar::inspect

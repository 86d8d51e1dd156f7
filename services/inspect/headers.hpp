#pragma once

#include "services/inspect/octets.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace instar::inspect {

namespace protocol {
inline constexpr std::uint8_t icmp = 1, ip_in_ip = 4, tcp = 6, udp = 17;
} // namespace protocol

/// What a frame begins with, as libpcap numbers it.
namespace link {
inline constexpr int ethernet = 1, raw = 12, linux_cooked = 113;
bool is_known(int type);
} // namespace link

/// The IPv4 packet in a frame, behind up to two VLAN tags; nothing if there is another one in it.
std::optional<octets> network_layer(int link_type, octets frame);

struct ipv4 {
  std::uint32_t source = 0, destination = 0;
  std::uint8_t protocol = 0;
  std::uint16_t id = 0;
  std::uint32_t offset = 0; ///< of the payload, in that of the whole packet
  bool more = false;
  octets payload;

  bool is_fragment() const { return more || offset > 0; }
};
/// Nothing if it cannot be one; with `checked`, also if the header's checksum is wrong.
std::optional<ipv4> parse_ipv4(octets packet, bool checked);
/// The packet in a packet (RFC 2003), through at most so many tunnels; itself if there is none in
/// it.
std::optional<ipv4> behind_tunnels(ipv4 packet, unsigned most, bool checked);

struct tcp {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint32_t sequence = 0;
  bool syn = false, reset = false;
  octets payload;
};
struct udp {
  std::uint16_t source_port = 0, destination_port = 0;
  octets payload;
};
/// Of the payload of a whole packet; with `checked`, nothing if the checksum is wrong.
std::optional<tcp> parse_tcp(const ipv4& in, octets segment, bool checked);
std::optional<udp> parse_udp(const ipv4& in, octets datagram, bool checked);

/// The checksum of IP, TCP and UDP, which is 0 of bytes with a right one in them.
std::uint16_t checksum(octets of, std::uint32_t begin = 0);
/// What TCP and UDP add of the IP header.
std::uint32_t pseudo_header(const ipv4& in, std::size_t size);

/// `10.0.0.1`
std::string to_text(std::uint32_t address);

} // namespace instar::inspect

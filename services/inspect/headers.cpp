#include "services/inspect/headers.hpp"

namespace instar::inspect {

namespace {

constexpr std::uint16_t ether_ipv4 = 0x0800, ether_vlan = 0x8100, ether_service_vlan = 0x88a8;
constexpr std::size_t mac_addresses = 12, least_ipv4 = 20, least_tcp = 20, udp_header = 8;

std::optional<octets> behind_ethernet(octets frame) {
  std::size_t at = mac_addresses;
  for (int tags = 0; frame.size() >= at + 2; ++tags, at += 4) {
    const auto type = number16(frame, at);
    if (type == ether_ipv4) return frame.substr(at + 2);
    if ((type != ether_vlan && type != ether_service_vlan) || tags == 2) break;
  }
  return std::nullopt;
}

bool fits(const ipv4& in, octets bytes) {
  return checksum(bytes, pseudo_header(in, bytes.size())) == 0;
}

} // namespace

bool link::is_known(int type) { return type == ethernet || type == raw || type == linux_cooked; }

std::optional<octets> network_layer(int link_type, octets frame) {
  constexpr std::size_t cooked_header = 16;
  if (link_type == link::ethernet) return behind_ethernet(frame);
  if (link_type == link::linux_cooked) {
    if (frame.size() < cooked_header || number16(frame, cooked_header - 2) != ether_ipv4)
      return std::nullopt;
    return frame.substr(cooked_header);
  }
  if (link_type == link::raw && !frame.empty() && number8(frame, 0) >> 4 == 4) return frame;
  return std::nullopt;
}

std::optional<ipv4> parse_ipv4(octets packet, bool checked) {
  if (packet.size() < least_ipv4 || number8(packet, 0) >> 4 != 4) return std::nullopt;
  const std::size_t header = (number8(packet, 0) & 15u) * 4u;
  const std::size_t size = number16(packet, 2);
  // What is behind `size` fills the frame up to the least that Ethernet sends.
  if (header < least_ipv4 || size < header || packet.size() < size) return std::nullopt;
  if (checked && checksum(packet.substr(0, header)) != 0) return std::nullopt;
  const auto fragment = number16(packet, 6);
  ipv4 made;
  made.source = number32(packet, 12);
  made.destination = number32(packet, 16);
  made.protocol = number8(packet, 9);
  made.id = number16(packet, 4);
  made.offset = (fragment & 0x1fffu) * 8u;
  made.more = (fragment & 0x2000u) != 0;
  made.payload = packet.substr(header, size - header);
  return made;
}

std::optional<ipv4> behind_tunnels(ipv4 packet, unsigned most, bool checked) {
  for (; most > 0 && packet.protocol == protocol::ip_in_ip && !packet.is_fragment(); --most) {
    const auto inside = parse_ipv4(packet.payload, checked);
    if (!inside) return std::nullopt;
    packet = *inside;
  }
  return packet;
}

std::optional<tcp> parse_tcp(const ipv4& in, octets segment, bool checked) {
  if (segment.size() < least_tcp) return std::nullopt;
  const std::size_t header = (number8(segment, 12) >> 4) * 4u;
  if (header < least_tcp || segment.size() < header) return std::nullopt;
  if (checked && !fits(in, segment)) return std::nullopt;
  const auto flags = number8(segment, 13);
  tcp made;
  made.source_port = number16(segment, 0);
  made.destination_port = number16(segment, 2);
  made.sequence = number32(segment, 4);
  made.syn = (flags & 2u) != 0;
  made.reset = (flags & 4u) != 0;
  made.payload = segment.substr(header);
  return made;
}

std::optional<udp> parse_udp(const ipv4& in, octets datagram, bool checked) {
  if (datagram.size() < udp_header) return std::nullopt;
  const std::size_t size = number16(datagram, 4);
  if (size < udp_header || datagram.size() < size) return std::nullopt;
  datagram = datagram.substr(0, size);
  const bool has_checksum = number16(datagram, 6) != 0;
  if (checked && has_checksum && !fits(in, datagram)) return std::nullopt;
  return udp{number16(datagram, 0), number16(datagram, 2), datagram.substr(udp_header)};
}

std::uint16_t checksum(octets of, std::uint32_t begin) {
  std::uint64_t sum = begin;
  std::size_t at = 0;
  for (; at + 1 < of.size(); at += 2) sum += number16(of, at);
  if (at < of.size()) sum += std::uint64_t{number8(of, at)} << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

std::uint32_t pseudo_header(const ipv4& in, std::size_t size) {
  return (in.source >> 16) + (in.source & 0xffff) + (in.destination >> 16) +
         (in.destination & 0xffff) + in.protocol + static_cast<std::uint32_t>(size);
}

std::string to_text(std::uint32_t address) {
  std::string text;
  for (const int shift : {24, 16, 8, 0}) {
    if (!text.empty()) text += '.';
    text += std::to_string(address >> shift & 255u);
  }
  return text;
}

} // namespace instar::inspect

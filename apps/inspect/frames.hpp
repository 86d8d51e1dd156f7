#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instar::inspect {

/// One end of a conversation.
struct place {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
};
constexpr std::uint32_t address(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

/// What goes into an IPv4 packet, with right checksums.
std::string tcp_segment(place from, place to, std::uint32_t sequence, std::uint8_t flags,
                        std::string_view data);
std::string udp_datagram(place from, place to, std::string_view data);
std::string icmp_echo(std::string_view data);

/// A whole packet, or a fragment of one.
struct ip_header {
  std::uint32_t from = 0, to = 0;
  std::uint8_t protocol = 0;
  std::uint16_t id = 0;
  std::uint16_t offset = 0; ///< in bytes
  bool more = false;
};
std::string ipv4_packet(const ip_header& header, std::string_view payload);
/// With `vlan` > 0 behind a tag.
std::string ethernet_frame(std::string_view packet, std::uint16_t vlan = 0,
                           std::uint16_t type = 0x0800);

/// A capture file as tcpdump writes it.
class pcap_text {
public:
  pcap_text();

  /// Returns the frame's number, from 1 on.
  std::uint64_t add(std::string_view frame);
  std::uint64_t frames() const { return frames_; }
  std::uint64_t bytes() const { return bytes_; } ///< of frames
  const std::string& text() const { return text_; }

private:
  std::string text_;
  std::uint64_t frames_ = 0, bytes_ = 0;
};

} // namespace instar::inspect

#include "apps/inspect/frames.hpp"

#include "services/inspect/headers.hpp"

#include <cstring>

namespace instar::inspect {

namespace {

void put16(std::string& to, unsigned number) {
  to += static_cast<char>(number >> 8 & 255);
  to += static_cast<char>(number & 255);
}
void put32(std::string& to, std::uint32_t number) {
  put16(to, number >> 16);
  put16(to, number & 0xffff);
}
void set16(std::string& in, std::size_t at, unsigned number) {
  in[at] = static_cast<char>(number >> 8 & 255);
  in[at + 1] = static_cast<char>(number & 255);
}

/// In the byte order of this machine, as the file's magic number says.
template <class Number>
void put_own(std::string& to, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  to.append(bytes, sizeof bytes);
}

std::uint32_t begin_of(place from, place to, std::uint8_t protocol, std::size_t size) {
  ipv4 of;
  of.source = from.address;
  of.destination = to.address;
  of.protocol = protocol;
  return pseudo_header(of, size);
}

} // namespace

std::string tcp_segment(place from, place to, std::uint32_t sequence, std::uint8_t flags,
                        std::string_view data) {
  std::string made;
  put16(made, from.port);
  put16(made, to.port);
  put32(made, sequence);
  put32(made, 0);               // acknowledged
  put16(made, 0x5000u | flags); // five words of header
  put16(made, 65535);           // window
  put32(made, 0);               // checksum, urgent
  made += data;
  set16(made, 16, checksum(made, begin_of(from, to, protocol::tcp, made.size())));
  return made;
}

std::string udp_datagram(place from, place to, std::string_view data) {
  std::string made;
  put16(made, from.port);
  put16(made, to.port);
  put16(made, static_cast<unsigned>(8 + data.size()));
  put16(made, 0);
  made += data;
  const auto sum = checksum(made, begin_of(from, to, protocol::udp, made.size()));
  set16(made, 6, sum == 0 ? 0xffff : sum); // 0 would say that there is none
  return made;
}

std::string icmp_echo(std::string_view data) {
  std::string made{"\x08\x00\x00\x00\x00\x01\x00\x01", 8};
  made += data;
  set16(made, 2, checksum(made));
  return made;
}

std::string ipv4_packet(const ip_header& header, std::string_view payload) {
  std::string made;
  put16(made, 0x4500);
  put16(made, static_cast<unsigned>(20 + payload.size()));
  put16(made, header.id);
  put16(made, header.offset / 8u | (header.more ? 0x2000u : 0));
  put16(made, 64u << 8 | header.protocol);
  put16(made, 0);
  put32(made, header.from);
  put32(made, header.to);
  set16(made, 10, checksum(made));
  made += payload;
  return made;
}

std::string ethernet_frame(std::string_view packet, std::uint16_t vlan, std::uint16_t type) {
  std::string made("\x02\0\0\0\0\1\x02\0\0\0\0\2", 12); // locally administered
  if (vlan > 0) {
    put16(made, 0x8100);
    put16(made, vlan);
  }
  put16(made, type);
  made += packet;
  if (made.size() < 60) made.resize(60, '\0'); // the least that Ethernet sends
  return made;
}

pcap_text::pcap_text() {
  put_own(text_, std::uint32_t{0xa1b2c3d4});
  put_own(text_, std::uint16_t{2});
  put_own(text_, std::uint16_t{4});
  put_own(text_, std::uint64_t{0}); // time zone, accuracy
  put_own(text_, std::uint32_t{65535});
  put_own(text_, std::uint32_t{1}); // Ethernet
}

std::uint64_t pcap_text::add(std::string_view frame) {
  constexpr std::uint32_t begin = 1'700'000'000;
  put_own(text_, static_cast<std::uint32_t>(begin + frames_ / 1000));
  put_own(text_, static_cast<std::uint32_t>(frames_ % 1000 * 1000));
  put_own(text_, static_cast<std::uint32_t>(frame.size()));
  put_own(text_, static_cast<std::uint32_t>(frame.size()));
  text_ += frame;
  bytes_ += frame.size();
  return ++frames_;
}

} // namespace instar::inspect

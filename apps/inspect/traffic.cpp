#include "apps/inspect/traffic.hpp"

#include "services/inspect/headers.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace instar::inspect {

namespace {

constexpr std::uint8_t syn = 2, acknowledges = 16;
constexpr place web{address(10, 0, 0, 80), 80}, names{address(10, 0, 0, 53), 53};
constexpr std::string_view lookup{"\x04"
                                  "eVil\x07"
                                  "Example\0",
                                  14};

std::string place_text(place of) {
  return to_text(of.address) + (of.port == 0 ? "" : ":" + std::to_string(of.port));
}

} // namespace

std::string without_message(std::string_view line) {
  std::size_t at = 0;
  for (int words = 0; words < 6 && at != line.npos; ++words) at = line.find(' ', at + 1);
  return std::string(line.substr(0, at));
}

traffic::traffic(std::uint64_t seed, std::size_t frames) : random_(seed) {
  using kind = void (traffic::*)();
  constexpr kind kinds[] = {&traffic::add_request, &traffic::add_answer,    &traffic::add_lookup,
                            &traffic::add_echo,    &traffic::add_fragments, &traffic::add_secret,
                            &traffic::add_harmless};
  for (const auto& one : kinds) (this->*one)();
  while (file_.frames() < frames) (this->*kinds[random_() % std::size(kinds)])();
  std::sort(alerts_.begin(), alerts_.end());
}

// -- what is found ------------------------------------------------------------------------------

void traffic::add_request() {
  auto on = begin_stream(somebody(), web);
  const auto begin = filler(random_() % 400) + "GET /../../etc/passwd";
  const auto found = send(on, begin + " HTTP/1.1\r\nHost: a\r\n" + filler(600), begin.size());
  expect(found, 1001, "tcp", on.from, on.to);
  const std::string again = "GET /etc/passwd"; // later in the same stream
  expect(send(on, again, again.size()), 1001, "tcp", on.from, on.to);
}

void traffic::add_answer() {
  auto on = begin_stream(web, somebody());
  const auto begin = filler(random_() % 3000) + "uid=0(root)";
  const auto found = send(on, begin + filler(random_() % 300), begin.size());
  expect(found, 1002, "tcp", on.from, on.to);
}

void traffic::add_lookup() {
  const auto from = somebody();
  const auto question = filler(12) + std::string(lookup) + filler(4);
  expect(add_ip(from, names, protocol::udp, udp_datagram(from, names, question)), 1003, "udp", from,
         names);
}

void traffic::add_fragments() {
  const auto from = somebody();
  const place to{address(10, 7, 0, 1), static_cast<std::uint16_t>(2000 + random_() % 100)};
  const std::string code = "\x90\x90\x90\x90\x31\xc0\x50\x68";
  const std::size_t border = 1480; // of the first two fragments; the content lies on it
  const auto whole =
      udp_datagram(from, to, filler(border - 8 - 1 - random_() % 7) + code + filler(1700));
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < whole.size(); at += border) offsets.push_back(at);
  std::shuffle(offsets.begin(), offsets.end(), random_);
  offsets.push_back(offsets[random_() % offsets.size()]); // comes late: nothing of it is missing
  ip_header header{from.address, to.address, protocol::udp, ++last_id_};
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (i + 1 == offsets.size()) header.id = ++last_id_; // the same bytes of another packet
    header.offset = static_cast<std::uint16_t>(offsets[i]);
    header.more = offsets[i] + border < whole.size();
    const auto frame =
        file_.add(ethernet_frame(ipv4_packet(header, whole.substr(offsets[i], border))));
    if (i + 1 < offsets.size()) last = frame;
  }
  expect(last, 1004, "udp", from, to);
}

void traffic::add_echo() {
  const place from{somebody().address, 0}, to{address(10, 0, 0, 1), 0};
  const auto data = filler(random_() % 100) + "ssh-2.0-" + filler(30);
  const auto packet =
      ipv4_packet({from.address, to.address, protocol::icmp, ++last_id_}, icmp_echo(data));
  expect(file_.add(ethernet_frame(packet, 7)), 1005, "icmp", from, to);
}

void traffic::add_secret() {
  const auto from = somebody();
  const place to{address(192, 168, 7, 9), 4711};
  const auto data = filler(random_() % 200) + "Top; Secret" + filler(50);
  expect(add_ip(from, to, protocol::udp, udp_datagram(from, to, data)), 1006, "udp", from, to);
}

// -- what is not --------------------------------------------------------------------------------

void traffic::add_harmless() {
  const auto from = somebody();
  file_.add(ethernet_frame(filler(28), 0, 0x0806)); // no IPv4 in it
  // On another port, in other letters, to another network, with another protocol.
  add_ip(from, {names.address, 54}, protocol::udp, udp_datagram(from, {names.address, 54}, lookup));
  auto other = begin_stream(somebody(), {web.address, 8080});
  send(other, "GET /etc/passwd HTTP/1.1\r\n", 0);
  auto plain = begin_stream(somebody(), web);
  send(plain, "GET /ETC/PASSWD HTTP/1.1\r\n" + filler(300) + "/etc/passw", 0);
  add_ip(from, names, protocol::udp, udp_datagram(from, names, "top; secret"));
  // Damaged on the way.
  auto segment = tcp_segment({from.address, 4000}, web, 1, acknowledges, "/etc/passwd");
  segment[4] = static_cast<char>(segment[4] ^ 1);
  add_ip(from, web, protocol::tcp, segment);
  auto packet =
      ipv4_packet({from.address, web.address, protocol::icmp, ++last_id_}, icmp_echo("SSH-2.0"));
  packet[8] = static_cast<char>(packet[8] ^ 1);
  file_.add(ethernet_frame(packet));
}

// -- frames -------------------------------------------------------------------------------------

traffic::stream traffic::begin_stream(place from, place to) {
  stream made{from, to, static_cast<std::uint32_t>(random_())};
  add_ip(from, to, protocol::tcp, tcp_segment(from, to, made.sequence++, syn, {}));
  return made;
}

std::uint64_t traffic::send(stream& on, std::string_view data, std::size_t until) {
  struct piece {
    std::size_t from, size;
  };
  std::vector<piece> pieces;
  for (std::size_t at = 0; at < data.size();) {
    const auto size = 1 + random_() % 500, more = random_() % 3 == 0 ? random_() % 50 : 0;
    pieces.push_back({at, std::min<std::size_t>(data.size() - at, size + more)});
    at += size;
  }
  for (std::size_t i = 0; i + 2 < pieces.size(); ++i)
    if (random_() % 3 == 0) std::swap(pieces[i], pieces[i + 1 + random_() % 2]);
  if (pieces.size() > 1) pieces.push_back({0, data.size() / 2});
  std::vector<bool> there(data.size());
  std::uint64_t complete = 0;
  for (const auto& p : pieces) {
    const auto sequence = on.sequence + static_cast<std::uint32_t>(p.from);
    const auto frame =
        add_ip(on.from, on.to, protocol::tcp,
               tcp_segment(on.from, on.to, sequence, acknowledges, data.substr(p.from, p.size)));
    std::fill_n(there.begin() + static_cast<std::ptrdiff_t>(p.from), p.size, true);
    const auto gap = std::find(there.begin(), there.end(), false) - there.begin();
    if (complete == 0 && static_cast<std::size_t>(gap) >= until) complete = frame;
  }
  on.sequence += static_cast<std::uint32_t>(data.size());
  return complete;
}

std::uint64_t traffic::add_ip(place from, place to, std::uint8_t protocol,
                              std::string_view payload) {
  return file_.add(
      ethernet_frame(ipv4_packet({from.address, to.address, protocol, ++last_id_}, payload)));
}

void traffic::expect(std::uint64_t frame, unsigned sid, std::string_view protocol, place from,
                     place to) {
  alerts_.push_back(std::to_string(frame) + " " + std::to_string(sid) + " " +
                    std::string(protocol) + " " + place_text(from) + " -> " + place_text(to));
}

/// Letters that no rule has at the border of its content.
std::string traffic::filler(std::size_t size) {
  std::string made(size, ' ');
  for (auto& c : made) c = static_cast<char>('a' + random_() % 26);
  return made;
}

/// Never the same twice.
place traffic::somebody() {
  const auto n = file_.frames();
  return {address(172, 16 + static_cast<unsigned>(n >> 16 & 15),
                  static_cast<unsigned>(n >> 8 & 255), static_cast<unsigned>(n & 255)),
          static_cast<std::uint16_t>(1024 + random_() % 60000)};
}

} // namespace instar::inspect

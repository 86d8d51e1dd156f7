#include "services/inspect/automaton.hpp"
#include "services/inspect/datagrams.hpp"
#include "services/inspect/headers.hpp"
#include "services/inspect/rules.hpp"
#include "services/inspect/search_each.hpp"
#include "services/inspect/streams.hpp"

#include "apps/inspect/frames.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace instar::inspect;

namespace {

using chance = std::mt19937_64;

std::string random_bytes(std::size_t size, chance& random, unsigned letters = 256) {
  std::string made(size, ' ');
  for (auto& c : made) c = static_cast<char>(random() % letters + (letters < 256 ? 'a' : 0));
  return made;
}

std::string mistake_in(std::string_view text) {
  const auto rules = parse_rules(text, "r");
  return rules ? "" : rules.error().message;
}

} // namespace

// -- headers ------------------------------------------------------------------------------------

TEST_CASE("a header from the wire has the checksum that RFC 1071 counts") {
  // An IPv4 header with its checksum in place, b861.
  const std::string header{"\x45\x00\x00\x73\x00\x00\x40\x00\x40\x11\xb8\x61\xc0\xa8\x00\x01"
                           "\xc0\xa8\x00\xc7",
                           20};
  CHECK(checksum(header) == 0);
  auto without = header;
  without[10] = without[11] = 0;
  CHECK(checksum(without) == 0xb861);
  CHECK(checksum("\x01") == 0xfeff); // an odd byte counts as if a zero came behind it
}

TEST_CASE("packets are found behind VLAN tags, and other frames are told apart") {
  const auto packet = ipv4_packet({1, 2, protocol::udp, 3}, "payload.");
  for (const std::uint16_t vlan : {0, 5}) {
    const auto frame = ethernet_frame(packet, vlan);
    const auto inside = network_layer(link::ethernet, frame);
    REQUIRE(inside.has_value());
    const auto parsed = parse_ipv4(*inside, true); // without what fills the frame up
    REQUIRE(parsed.has_value());
    CHECK(parsed->payload == "payload.");
    CHECK(parsed->destination == 2);
  }
  CHECK_FALSE(network_layer(link::ethernet, ethernet_frame(packet, 0, 0x86dd)).has_value());
  CHECK_FALSE(network_layer(link::ethernet, std::string_view("short")).has_value());
  CHECK(network_layer(link::raw, packet).has_value());
}

TEST_CASE("cut and random bytes are no packets, and harm nobody") {
  chance random(3);
  const auto whole = ethernet_frame(ipv4_packet(
      {1, 2, protocol::tcp, 3}, tcp_segment({1, 10}, {2, 20}, 5, 16, "some data in a segment")));
  int parsed = 0;
  for (int i = 0; i < 20000; ++i) {
    auto frame = i % 2 ? random_bytes(random() % 80, random) : whole;
    if (i % 2 == 0) {
      frame.resize(random() % (frame.size() + 1));
      if (!frame.empty()) frame[random() % frame.size()] = static_cast<char>(random());
    }
    for (const int type : {link::ethernet, link::raw, link::linux_cooked})
      if (const auto inside = network_layer(type, frame))
        if (const auto packet = parse_ipv4(*inside, false)) {
          ++parsed;
          if (const auto segment = parse_tcp(*packet, packet->payload, false))
            CHECK(segment->payload.size() <= frame.size());
          if (const auto datagram = parse_udp(*packet, packet->payload, false))
            CHECK(datagram->payload.size() <= frame.size());
        }
  }
  CHECK(parsed > 100);
}

// -- putting together ---------------------------------------------------------------------------

TEST_CASE("a datagram is whole when its last fragment has come, in any order, and only once") {
  chance random(5);
  for (int round = 0; round < 500; ++round) {
    const auto whole = random_bytes(8 + random() % 6000, random);
    std::vector<ipv4> fragments;
    for (std::size_t at = 0; at < whole.size();) {
      const auto size = std::min<std::size_t>(whole.size() - at, 8 * (1 + random() % 100));
      fragments.push_back({1, 2, protocol::udp, 7, static_cast<std::uint32_t>(at),
                           at + size < whole.size(), std::string_view(whole).substr(at, size)});
      at += size;
    }
    std::shuffle(fragments.begin(), fragments.end(), random);
    datagrams all(10);
    std::string got;
    for (std::size_t i = 0; i < fragments.size(); ++i) {
      if (i > 0 && random() % 3 == 0) all.add(1, fragments[i - 1], 0, got); // once more
      const auto end = all.add(1, fragments[i], 0, got);
      CHECK((end == datagrams::outcome::complete) == (i + 1 == fragments.size()));
    }
    CHECK(got == whole);
    CHECK(all.size() == 0);
  }
}

TEST_CASE("fragments that cannot be right are refused, and what is never completed is forgotten") {
  datagrams all(2);
  std::string whole;
  const auto add = [&](std::uint16_t id, std::uint32_t offset, bool more, std::string_view data,
                       std::int64_t time = 0) {
    return all.add(1, {1, 2, protocol::udp, id, offset, more, data}, time, whole);
  };
  CHECK(add(1, 0, true, "not eight") == datagrams::outcome::refused);
  CHECK(add(1, 65528, false, "beyond the end") == datagrams::outcome::refused);
  CHECK(add(1, 0, true, "12345678") == datagrams::outcome::incomplete);
  CHECK(add(1, 16, false, "tail") == datagrams::outcome::incomplete);
  CHECK(add(1, 24, false, "another tail") == datagrams::outcome::refused);
  CHECK(add(1, 24, true, "12345678") == datagrams::outcome::refused);
  CHECK(add(2, 8, false, "tail") == datagrams::outcome::incomplete);
  CHECK(add(3, 0, true, "12345678") == datagrams::outcome::refused); // there is no room
  CHECK(all.expire(1, datagrams::patience) == 0);
  // Too late: it begins another one.
  CHECK(add(1, 8, true, "12345678", datagrams::patience + 1) == datagrams::outcome::incomplete);
  CHECK(all.expire(1, datagrams::patience + 1) == 1);
  CHECK(all.size() == 1);
  all.end(1);
  CHECK(all.size() == 0);
}

TEST_CASE("a stream comes out as it was sent, however it was cut, mixed up and sent again") {
  chance random(7);
  constexpr std::size_t overlap = 20;
  for (int round = 0; round < 500; ++round) {
    const auto sent = random_bytes(1 + random() % 5000, random);
    const auto begin = round % 3 == 0 ? ~std::uint32_t{0} - 100 // over the end of the numbers
                                      : static_cast<std::uint32_t>(random());
    streams all(overlap, 10);
    const streams::key key{1, 2, 3, 4, 5};
    streams::growth grown;
    tcp syn;
    syn.sequence = begin - 1;
    syn.syn = true;
    CHECK(all.add(key, syn, 1, 0, grown) == streams::outcome::nothing_new);
    struct piece {
      std::size_t from, size;
    };
    std::vector<piece> pieces;
    for (std::size_t at = 0; at < sent.size();) {
      const auto size = 1 + random() % 300;
      pieces.push_back({at, std::min<std::size_t>(size + random() % 50, sent.size() - at)});
      at += size;
    }
    std::shuffle(pieces.begin(), pieces.end(), random);
    std::string got;
    for (const auto& p : pieces) {
      tcp segment;
      segment.sequence = begin + static_cast<std::uint32_t>(p.from);
      segment.payload = std::string_view(sent).substr(p.from, p.size);
      if (all.add(key, segment, 2, 0, grown) != streams::outcome::grown) continue;
      CHECK(grown.old == std::min(got.size(), overlap));
      CHECK(grown.data.substr(0, grown.old) == got.substr(got.size() - grown.old));
      got += grown.data.substr(grown.old);
    }
    CHECK(got == sent);
    CHECK(all.end(1, 0).empty());
  }
}

TEST_CASE("what lies behind a gap comes at the end, or when there is too much of it") {
  streams all(10, 10);
  const streams::key key{1, 2, 3, 4, 5};
  streams::growth grown;
  const auto add = [&](std::uint32_t at, std::string_view data) {
    tcp segment;
    segment.sequence = at;
    segment.payload = data;
    return all.add(key, segment, 1, 0, grown);
  };
  CHECK(add(0, "abc") == streams::outcome::grown);
  CHECK(add(10, "klm") == streams::outcome::nothing_new);
  CHECK(add(20, "uvw") == streams::outcome::nothing_new);
  const std::string much(streams::most_held, 'x');
  CHECK(add(23, much) == streams::outcome::grown);
  CHECK(grown.data == "klm"); // without what came before the gap
  const auto rest = all.end(1, 0);
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].data == "uvw" + much);
  CHECK(rest[0].old == 0);
  CHECK(all.size() == 0);
}

// -- rules --------------------------------------------------------------------------------------

TEST_CASE("a rule says what it says, and a mistake is told with its line and its remedy") {
  const auto rules = parse_rules("# a remark\n\n"
                                 "alert tcp 10.0.0.0/8 any <> any 80:90 (msg:\"a; b\"; "
                                 "content:\"x|0d 0A|\\\"y\"; nocase; sid:7; rev:2;)\r\n",
                                 "r");
  REQUIRE(bool(rules));
  REQUIRE(rules.value().size() == 1);
  const auto& r = rules.value()[0];
  CHECK(r.message == "a; b");
  CHECK(r.content == "x\r\n\"y");
  CHECK(r.nocase);
  CHECK(r.applies({protocol::tcp, address(10, 1, 2, 3), address(9, 9, 9, 9), 5, 85}));
  CHECK(r.applies({protocol::tcp, address(9, 9, 9, 9), address(10, 1, 2, 3), 85, 5}));
  CHECK_FALSE(r.applies({protocol::tcp, address(10, 1, 2, 3), address(9, 9, 9, 9), 5, 91}));
  CHECK_FALSE(r.applies({protocol::udp, address(10, 1, 2, 3), address(9, 9, 9, 9), 5, 85}));
  CHECK_FALSE(r.applies({protocol::tcp, address(11, 1, 2, 3), address(9, 9, 9, 9), 5, 85}));

  const std::string good = "alert tcp any any -> any 80 (content:\"a\"; sid:1;)\n";
  CHECK(mistake_in(good) == "");
  CHECK(mistake_in(good + good) == "r:2: sid 1 is there already; give it another");
  CHECK(mistake_in("drop tcp any any -> any 80 (content:\"a\"; sid:1;)") ==
        "r:1: it begins with 'drop'; a rule begins with alert");
  CHECK(mistake_in("alert tls any any -> any 80 (content:\"a\"; sid:1;)") ==
        "r:1: protocol 'tls' is not known; write tcp, udp, icmp or ip");
  CHECK(mistake_in("alert tcp 10.0.0.0/33 any -> any 80 (content:\"a\"; sid:1;)") ==
        "r:1: address '10.0.0.0/33' is none; write any, 10.0.0.1 or 10.0.0.0/8");
  CHECK(mistake_in("alert tcp any 90:80 -> any 80 (content:\"a\"; sid:1;)") ==
        "r:1: port '90:80' is none; write any, 80 or 1024:65535");
  CHECK(mistake_in("alert tcp any any -> any 80 (content:\"|0g|\"; sid:1;)") ==
        "r:1: '0g' is no byte; write |0d 0a|");
  CHECK(mistake_in("alert tcp any any -> any 80 (sid:1;)") ==
        "r:1: it has no content; say what is looked for");
  CHECK(mistake_in("alert tcp any any -> any 80 (content:\"a\"; sid:1)") ==
        "r:1: 'sid:1' does not end; put a semicolon behind each option");
  CHECK(mistake_in("alert tcp any any -> any 80 (content:\"a\"; pcre:\"x\"; sid:1;)") ==
        "r:1: option 'pcre' is not known; there are msg, content, nocase, sid");
}

TEST_CASE("random rules are taken or refused, whatever they say") {
  chance random(11);
  const std::string good = "alert tcp any any -> any 80 (msg:\"m\"; content:\"a|00|\"; sid:1;)";
  int taken = 0;
  for (int i = 0; i < 20000; ++i) {
    auto text = good;
    for (std::size_t n = random() % 3; n > 0; --n)
      text[random() % text.size()] = good[random() % good.size()];
    text.resize(text.size() - (random() % 4 == 0 ? random() % text.size() : 0));
    const auto rules = parse_rules(text, "r");
    taken += rules && rules.value().size() == 1;
    if (!rules) CHECK(rules.error().message.starts_with("r:1: "));
  }
  CHECK(taken > 1000);
}

TEST_CASE("both ways to look find the same, and what is in the old bytes only once") {
  chance random(13);
  std::size_t hits = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<rule> rules(1 + random() % 12);
    for (auto& r : rules) {
      r.content = random_bytes(1 + random() % 4, random, 3); // many of them end in each other
      if (random() % 3 == 0) r.content[0] = static_cast<char>(r.content[0] - 'a' + 'A');
      r.nocase = random() % 2;
      if (random() % 4 == 0) r.destination_ports = {81, 90};
    }
    auto data = random_bytes(random() % 60, random, 3);
    for (auto& c : data)
      if (random() % 3 == 0) c = static_cast<char>(c - 'a' + 'A');
    const auto old = data.empty() ? 0 : random() % data.size();
    const endpoints of{protocol::tcp, 1, 2, 3, 80};
    std::vector<bool> one(rules.size()), other(rules.size());
    search_each(rules).find(of, data, old, one);
    automaton(rules).find(of, data, old, other);
    CHECK(one == other);
    // Found in all of it: in what was old, or now.
    std::vector<bool> before(rules.size()), whole(rules.size());
    search_each(rules).find(of, std::string_view(data).substr(0, old), 0, before);
    search_each(rules).find(of, data, 0, whole);
    for (std::size_t i = 0; i < rules.size(); ++i) CHECK(whole[i] == (before[i] || one[i]));
    hits += static_cast<std::size_t>(std::count(one.begin(), one.end(), true));
  }
  CHECK(hits > 3000);
}

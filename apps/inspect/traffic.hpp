#pragma once

#include "apps/inspect/frames.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace instar::inspect {

/// Traffic that has in it what `inspect.rules` looks for, some of it where it is hard to find: on
/// the border of segments that come out of order and twice, and of fragments; and what looks like
/// it, but is none. It knows which alerts there have to be.
class traffic {
public:
  /// With at least so many frames; the same for the same seed.
  traffic(std::uint64_t seed, std::size_t frames);

  const pcap_text& file() const { return file_; }
  /// `FRAME SID PROTOCOL FROM -> TO` of each alert, sorted.
  const std::vector<std::string>& alerts() const { return alerts_; }

private:
  /// One direction of a TCP connection, and what was sent of it.
  struct stream {
    place from, to;
    std::uint32_t sequence = 0;
  };

  stream begin_stream(place from, place to);
  /// In pieces, some of which come too early, overlap with the next, or come twice.
  /// Returns the number of the frame with which `until` bytes of it are there.
  std::uint64_t send(stream& on, std::string_view data, std::size_t until);
  void add_request();
  void add_answer();
  void add_lookup();
  void add_fragments();
  void add_echo();
  void add_secret();
  void add_harmless();
  std::uint64_t add_ip(place from, place to, std::uint8_t protocol, std::string_view payload);
  void expect(std::uint64_t frame, unsigned sid, std::string_view protocol, place from, place to);
  std::string filler(std::size_t size);
  place somebody();

  std::mt19937_64 random_;
  std::uint16_t last_id_ = 0;
  pcap_text file_;
  std::vector<std::string> alerts_;
};

/// The part of an alert's line that `traffic::alerts` says: without the rule's message.
std::string without_message(std::string_view line);

} // namespace instar::inspect

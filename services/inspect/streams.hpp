#pragma once

#include "services/inspect/headers.hpp"
#include "services/inspect/pieces.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace instar::inspect {

/// Puts the segments of TCP connections in their order, each direction by itself. Of bytes that
/// were sent twice, those that came first count.
///
/// Who looks for a text in what a stream gets would miss one that two segments share; so a few of
/// the bytes before go with the new ones. Time is that of the frames.
class streams {
public:
  /// A stream that is silent for longer has ended.
  static constexpr std::int64_t patience = 300'000'000'000;
  /// Of bytes behind a gap; if there are more, what is missing will not come.
  static constexpr std::size_t most_held = 256 * 1024;

  /// With so many bytes of what came before, and at most so many streams.
  streams(std::size_t overlap, std::size_t most) : overlap_(overlap), most_(most) {}

  /// A direction of a connection.
  struct key {
    std::uint64_t job = 0;
    std::uint32_t source = 0, destination = 0;
    std::uint16_t source_port = 0, destination_port = 0;
    auto operator<=>(const key&) const = default;

    key reverse() const { return {job, destination, source, destination_port, source_port}; }
  };
  struct entry {
    std::uint64_t frame = 0; ///< the last one
    std::int64_t last = 0;   ///< and its time
    std::uint32_t next = 0;  ///< the sequence number that comes next
    std::uint64_t place = 0; ///< where in the stream that is
    std::string tail;        ///< the bytes before it
    pieces held;             ///< what is behind a gap
  };
  /// What a stream has got more of.
  struct growth {
    key of;
    std::uint64_t frame = 0;
    std::string data;
    std::size_t old = 0; ///< so many of the bytes are the end of what came before
  };

  enum class outcome { nothing_new, grown, refused };
  outcome add(const key& of, const tcp& segment, std::uint64_t frame, std::int64_t time,
              growth& into);

  /// Forgets the streams of a job. What is behind gaps has come as well, until `now`.
  std::vector<growth> end(std::uint64_t job, std::int64_t now);
  /// Makes room: forgets those that have ended. Returns how many.
  std::size_t expire(std::uint64_t job, std::int64_t now);
  std::size_t size() const { return all_.size(); }

  /// For a successor.
  const std::map<key, entry>& all() const { return all_; }
  void put(const key& at, entry e) { all_.insert_or_assign(at, std::move(e)); }

private:
  void grow(const key& of, entry& e, growth& into) const;
  static void skip_gap(entry& e);

  std::map<key, entry> all_;
  std::size_t overlap_, most_;
};

} // namespace instar::inspect

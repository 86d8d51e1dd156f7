#pragma once

#include "actors/record.hpp"
#include "inspect_wire.capnp.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace instar::inspect {

/// What is counted, in the order of `wire::Counts`. New ones come at the end.
enum class count : std::size_t {
  jobs,
  frames,
  bytes,
  other,     // frames without an IPv4 packet
  malformed, // packets, fragments and segments that cannot be right
  fragments,
  reassembled,
  expired, // fragments and streams that nothing came for
  segments,
  units,
  alerts,
  number_of_counts,
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(count::number_of_counts)>
    count_names{"jobs",        "frames",  "bytes",    "other", "malformed", "fragments",
                "reassembled", "expired", "segments", "units", "alerts"};

/// Numbers by their names.
class counts {
public:
  std::uint64_t& operator[](count what) { return values_[static_cast<std::size_t>(what)]; }
  const std::array<std::uint64_t, count_names.size()>& values() const { return values_; }

  bool any() const {
    for (const auto value : values_)
      if (value != 0) return true;
    return false;
  }
  /// Adds what another version of whoever counts has said, as far as it is known here.
  template <class List>
  void add(List values) {
    for (unsigned i = 0; i < values.size() && i < values_.size(); ++i) values_[i] += values[i];
  }
  template <class List>
  void write(List into) const {
    for (unsigned i = 0; i < values_.size(); ++i) into.set(i, values_[i]);
  }
  payload_ptr<record> to_record() const {
    auto made = make_payload<record>();
    write(made->init<wire::Counts>().initValues(static_cast<unsigned>(values_.size())));
    return made;
  }

private:
  std::array<std::uint64_t, count_names.size()> values_{};
};

/// What every operator that counts tells.
using counts_port = out_port<record_of<wire::Counts>>;

} // namespace instar::inspect

#pragma once

#include "lifecycle/checkpoint_contents.hpp"
#include "protocol_operators.hpp"
#include "protocol_state.capnp.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace instar::test {

/// What test operators with keyed state keep.
using table = std::map<std::uint64_t, std::uint64_t>;

/// What it has after so many items; of replicas, all together.
inline table table_after(std::uint64_t items, const script& of) {
  table made;
  for (std::uint64_t key = 0; key < of.preloaded; ++key) made[key] = key + 1'000;
  for (std::uint64_t n = 0; n < items; ++n) {
    const auto key = n * 7919 % of.keys;
    if (n % 5 == 4) made.erase(key);
    else ++made[key];
  }
  return made;
}

/// The entries of one operator, of any version.
inline table table_of(const checkpoint_contents& from, const std::string& name) {
  table made;
  for (std::size_t i = 0; i < from.parts_of(name); ++i) {
    const auto part = from.part_of(name, i);
    REQUIRE(part);
    state_reader reader(*part);
    if (part->header().schema_id == capnp::typeId<ShardPart>()) {
      const auto read = reader.root<ShardPart>();
      for (const auto key : read.getGone()) made.erase(key);
      for (const auto row : read.getRows()) made[row.getKey()] = std::stoull(row.getSeen().cStr());
    } else {
      const auto read = reader.root<TablePart>();
      for (const auto key : read.getGone()) made.erase(key);
      for (const auto one : read.getEntries()) made[one.getKey()] = one.getSeen();
    }
  }
  return made;
}

} // namespace instar::test

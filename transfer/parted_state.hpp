#pragma once

#include "transfer/state.hpp"

#include <cstddef>
#include <cstdint>

namespace instar {

/// Where the keyed state of an operator is that its predecessor still has.
class state_source {
public:
  virtual ~state_source();
  /// Brings the entries of all places from `from` up to `to`, if they have not come yet.
  virtual void fetch(std::uint64_t from, std::uint64_t to) = 0;
  /// Entries that have not come yet.
  virtual std::size_t left() const = 0;
};

/// State of an operator that consists of entries with keys, as the framework sees it: it can be
/// written, or taken out, in parts while the operator goes on using it.
///
/// A part is a Cap'n Proto message of the schema that the operator's type declares (`part_schema`):
/// some entries, and some keys without one. Each key has a place in the space of 64-bit numbers;
/// parts go through them in order. `keyed_state` implements it for `tracked_map`.
///
/// Used from the thread that runs the operator; `take` also by its successor, once the operator
/// runs no longer. What the functions throw is the operator's failure.
class parted_state {
public:
  static constexpr std::uint64_t begin = 0, end = ~std::uint64_t{0};
  /// So much usually goes into one part.
  static constexpr std::size_t part_bytes = 64 * 1024;

  virtual ~parted_state();

  /// Entries.
  virtual std::size_t size() const = 0;
  virtual void clear() = 0;

  // -- the side that has it --

  /// Writes the entries from a place on, about `least` of them, into a part; of large ones so many
  /// that there are about `bytes`: the others before the place that is returned count as changed.
  /// That is the one to go on from, `end` after the last. What changes before it is noted from now
  /// on.
  virtual std::uint64_t write(std::uint64_t from, std::size_t least, std::size_t bytes,
                              state_writer& part) = 0;
  /// How many keys before that place have changed since they were written.
  virtual std::size_t changed() const = 0;
  /// Writes up to `most` of them, or `part_bytes`: with their entries, or as keys without one.
  virtual void write_changed(std::size_t most, state_writer& part) = 0;
  /// Nobody copies any longer.
  virtual void forget_changes() = 0;
  /// As `write` with any number of bytes, up to the place `to` or a little beyond, but the entries
  /// are gone then. Only if nothing else happens to the state.
  virtual std::uint64_t take(std::uint64_t from, std::uint64_t to, std::size_t least,
                             state_writer& part) = 0;

  // -- the side that gets it --

  /// Puts in what a part has, in place of what there was; of it only what has its place from `from`
  /// up to `to`.
  virtual void read(state_reader& part, std::uint64_t from, std::uint64_t to) = 0;
  void read(state_reader& part) { read(part, begin, end); }
  /// Entries that are asked for are fetched first from now on; null: all have come.
  virtual void draw_from(state_source* source) = 0;
};

} // namespace instar

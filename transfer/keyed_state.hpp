#pragma once

#include "transfer/parted_state.hpp"
#include "transfer/tracked_map.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace instar {

/// A `tracked_map` as the keyed state of an operator (`operator_base::parts`). What a part looks
/// like says `Codec`:
///
///   struct codec {
///     using part = KvPart; // Cap'n Proto
///     /// All of these entries, and all of these keys, which have none any more.
///     static void write(std::span<const map::entry* const>, std::span<const Key> gone,
///                       KvPart::Builder);
///     /// Calls `put(key, value)` or `gone(key)` for each.
///     template <class Put, class Gone>
///     static void read(KvPart::Reader, Put put, Gone gone);
///     /// Optional: about so many bytes in a part. Else it is that of the entry's struct.
///     static std::size_t bytes(const map::entry&);
///   };
template <class Map, class Codec>
class keyed_state final : public parted_state {
public:
  using map = Map;
  using entry = typename Map::entry;
  using key = decltype(entry::key);

  Map& entries() { return entries_; }
  const Map& entries() const { return entries_; }

  std::size_t size() const override { return entries_.size(); }
  void clear() override { entries_.clear(); }

  std::uint64_t write(std::uint64_t from, std::size_t least, std::size_t most_bytes,
                      state_writer& part) override {
    std::vector<const entry*> copied;
    std::size_t bytes = 0;
    while (copied.size() < least && bytes < most_bytes && from != end)
      from = entries_.visit(from, 1, [&](const entry& e) {
        // Of large entries not all of a bin fit into one part: the others follow as changed ones.
        if (bytes >= most_bytes) return entries_.note(e.key);
        copied.push_back(&e);
        bytes += bytes_of(e);
      });
    Codec::write(copied, {}, part.init<typename Codec::part>());
    entries_.watch(from);
    return from;
  }

  std::size_t changed() const override { return entries_.changed(); }

  void write_changed(std::size_t most, state_writer& part) override {
    std::vector<const entry*> copied;
    std::vector<key> gone;
    std::size_t bytes = 0;
    for (std::size_t n = 0; n < most && bytes < part_bytes && entries_.changed() > 0; ++n)
      entries_.take_changed(1, [&](key&& k, const entry* e) {
        if (e) {
          copied.push_back(e);
          bytes += bytes_of(*e);
        } else {
          gone.push_back(std::move(k));
          bytes += sizeof(key);
        }
      });
    Codec::write(copied, gone, part.init<typename Codec::part>());
  }

  void forget_changes() override { entries_.watch(begin); }

  std::uint64_t take(std::uint64_t from, std::uint64_t to, std::size_t least,
                     state_writer& part) override {
    std::vector<entry> taken;
    std::size_t bytes = 0;
    while (taken.size() < least && bytes < part_bytes && from < to)
      from = entries_.extract(from, to, 1, [&](entry&& e) {
        bytes += bytes_of(e);
        taken.push_back(std::move(e));
      });
    std::vector<const entry*> all;
    for (const auto& e : taken) all.push_back(&e);
    Codec::write(all, {}, part.init<typename Codec::part>());
    return from;
  }

  using parted_state::read;
  void read(state_reader& part, std::uint64_t from, std::uint64_t to) override {
    auto* source = entries_.draw_from(nullptr); // nothing is fetched for what has come
    struct restore {
      Map& map;
      state_source* source;
      ~restore() { map.draw_from(source); }
    } on_return{entries_, source};
    Codec::read(
        part.root<typename Codec::part>(),
        [&](auto&& k, auto&& value) {
          if (Map::is_between(k, from, to))
            entries_.insert_or_assign(std::forward<decltype(k)>(k),
                                      std::forward<decltype(value)>(value));
        },
        [&](const auto& k) {
          if (Map::is_between(k, from, to)) entries_.erase(k);
        });
  }

  void draw_from(state_source* source) override { entries_.draw_from(source); }

private:
  static std::size_t bytes_of(const entry& e) {
    if constexpr (requires { Codec::bytes(e); }) return Codec::bytes(e);
    else return sizeof(entry);
  }

  Map entries_;
};

} // namespace instar

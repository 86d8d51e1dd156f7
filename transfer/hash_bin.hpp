#pragma once

#include "transfer/tag_group.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace instar::detail {

/// A small open hash table: the unit in which a `tracked_map` grows and moves.
///
/// One block of memory: this head, a tag for each slot, the slots.
template <class Entry>
class hash_bin {
public:
  static constexpr std::size_t least = tag_group::slots;
  static constexpr std::size_t none = ~std::size_t{0};
  /// Fills a block of memory whose size is a power of two and the same for entries of many sizes:
  /// while entries move to bins of another version, one at random after the other, each block that
  /// is given up can be used for the next.
  static constexpr std::size_t most() {
    std::size_t block = 8'192, slots = 64;
    while (bytes(slots) > block) block *= 2;
    while (bytes(slots + least) <= block) slots += least;
    return slots;
  }

  struct deleter {
    void operator()(hash_bin* bin) const { destroy(bin); }
  };
  using pointer = std::unique_ptr<hash_bin, deleter>;

  /// For entries whose hashes begin with the same `depth` bits; `slots` is a multiple of `least`.
  static pointer make(std::size_t slots, unsigned depth) {
    void* memory = ::operator new(bytes(slots), std::align_val_t(alignment));
    return pointer(new (memory) hash_bin(slots, depth));
  }
  static void destroy(hash_bin* bin) {
    if (!bin) return;
    bin->for_each([](Entry& e) { e.~Entry(); });
    bin->~hash_bin();
    ::operator delete(bin, std::align_val_t(alignment));
  }

  std::size_t size() const { return taken_; }
  std::size_t slots() const { return slots_; }
  unsigned depth() const { return depth_; }
  /// No entry more without growing, or cleaning up.
  bool full() const { return taken_ + gone_ >= slots_ - slots_ / 8; }
  /// Many of the slots in use are of entries that have gone.
  bool worn() const { return gone_ > slots_ / 4; }
  std::size_t memory() const { return bytes(slots_); }

  Entry& at(std::size_t slot) { return entries()[slot]; }
  const Entry& at(std::size_t slot) const { return entries()[slot]; }

  /// The slot of the entry that `same` knows as the one, or `none`.
  template <class Same>
  std::size_t find(std::uint64_t hash, Same same) const {
    const auto tag = tag_group::of(hash);
    for (auto group = first_group(hash);; group = next(group)) {
      const tag_group seen(tags() + group);
      for (auto m = seen.equal(tag); m; m.pop())
        if (same(entries()[group + m.first()])) return group + m.first();
      if (seen.has_empty()) return none;
    }
  }

  /// Only if not `full`, and if it has none like it.
  template <class... Args>
  std::size_t insert(std::uint64_t hash, Args&&... args) {
    auto group = first_group(hash);
    while (!tag_group(tags() + group).vacant()) group = next(group);
    const auto slot = group + tag_group(tags() + group).vacant().first();
    new (static_cast<void*>(entries() + slot)) Entry{std::forward<Args>(args)...};
    gone_ -= tags()[slot] == tag_group::gone;
    tags()[slot] = tag_group::of(hash);
    ++taken_;
    return slot;
  }

  void erase(std::size_t slot) {
    entries()[slot].~Entry();
    // Whoever looks for another stops at an empty slot: there may be one only where there was.
    const bool was_end = tag_group(tags() + slot / least * least).has_empty();
    tags()[slot] = was_end ? tag_group::empty : tag_group::gone;
    gone_ += !was_end;
    --taken_;
  }

  template <class Each>
  void for_each(Each each) const {
    const_cast<hash_bin*>(this)->for_each([&](Entry& e) { each(std::as_const(e)); });
  }
  template <class Each>
  void for_each(Each each) {
    for (std::size_t group = 0; group < slots_; group += least)
      for (auto m = tag_group(tags() + group).taken(); m; m.pop())
        each(entries()[group + m.first()]);
  }

private:
  static constexpr std::size_t alignment = std::max<std::size_t>(16, alignof(Entry));

  hash_bin(std::size_t slots, unsigned depth)
      : slots_(static_cast<std::uint32_t>(slots)), depth_(static_cast<std::uint16_t>(depth)) {
    std::fill_n(tags(), slots, tag_group::empty);
  }
  ~hash_bin() = default;

  static constexpr std::size_t rounded(std::size_t n) {
    return (n + alignment - 1) / alignment * alignment;
  }
  static constexpr std::size_t first_entry(std::size_t slots) {
    return rounded(sizeof(hash_bin) + slots);
  }
  static constexpr std::size_t bytes(std::size_t slots) {
    return first_entry(slots) + slots * sizeof(Entry);
  }
  std::uint8_t* tags() { return reinterpret_cast<std::uint8_t*>(this + 1); }
  const std::uint8_t* tags() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
  Entry* entries() {
    return reinterpret_cast<Entry*>(reinterpret_cast<char*>(this) + first_entry(slots_));
  }
  const Entry* entries() const { return const_cast<hash_bin*>(this)->entries(); }

  /// The lowest bits are in the tag, the highest in the directory.
  std::size_t first_group(std::uint64_t hash) const {
    const auto some = (hash >> 7) & 0xffff'ffff;
    return static_cast<std::size_t>(some * (slots_ / least) >> 32) * least;
  }
  std::size_t next(std::size_t group) const { return group + least == slots_ ? 0 : group + least; }

  std::uint32_t slots_;
  std::uint32_t taken_ = 0;
  std::uint16_t depth_;
  std::uint32_t gone_ = 0;
};

} // namespace instar::detail

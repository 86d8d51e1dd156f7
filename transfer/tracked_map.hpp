#pragma once

#include "transfer/hash_bin.hpp"
#include "transfer/key_hash.hpp"
#include "transfer/parted_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

namespace instar {

/// A hash map for the state of an operator: it can be copied or moved to a successor in parts while
/// it is in use, and knows what has changed since a part was copied.
///
/// Its entries lie in bins of bounded size, in the order of their hashes' highest bits (extendible
/// hashing: Fagin et al., "Extendible Hashing - a Fast Access Method for Dynamic Files", TODS
/// 1979). A bin that is full is split in two; nothing ever moves all entries, so no call takes
/// longer in a large map than in a small one, but for one that doubles the directory (8 bytes a
/// bin). A *place* in the map is a number in the space of hashes; what is before a place stays
/// before it, whatever is inserted or erased.
///
/// No pointers to code lie in it: it may be used by another module than the one that made it, if
/// both were built with the same types (`layout_of`).
///
/// Not thread-safe. References hold until the next insertion or erasure.
template <class Key, class Value, class Hash = key_hash<Key>>
class tracked_map {
public:
  struct entry {
    Key key;
    Value value;
  };
  static_assert(std::is_nothrow_move_constructible_v<entry>, "entries move when bins are split");

  /// Of the layout: what is handed over to another version has to look the same there.
  static constexpr std::uint32_t layout_version = 2;

  tracked_map() { directory_.push_back(bin::make(bin::least, 0).release()); }
  ~tracked_map() { drop_bins(); }
  tracked_map(tracked_map&& other) noexcept : tracked_map() { swap(other); }
  tracked_map& operator=(tracked_map&& other) noexcept {
    swap(other);
    return *this;
  }
  void swap(tracked_map& other) noexcept {
    std::swap(directory_, other.directory_);
    std::swap(depth_, other.depth_);
    std::swap(bins_, other.bins_);
    std::swap(size_, other.size_);
    std::swap(watched_, other.watched_);
    std::swap(changed_, other.changed_);
    std::swap(source_, other.source_);
  }

  std::size_t size() const { return size_ + (source_ ? source_->left() : 0); }
  bool empty() const { return size() == 0; }
  void clear() {
    fetch(begin, end);
    tracked_map fresh;
    if (watched_ != 0) // whatever was copied is gone now
      for_each([&](const entry& e) { note(e.key); });
    std::swap(fresh.watched_, watched_);
    std::swap(fresh.changed_, changed_);
    std::swap(fresh.source_, source_);
    swap(fresh);
  }

  template <class Lookup>
  const entry* find_entry(const Lookup& key) const {
    const auto hash = Hash()(key);
    fetch(hash);
    const auto& in = *directory_[index(hash)];
    const auto slot = in.find(hash, [&](const entry& e) { return e.key == key; });
    return slot == bin::none ? nullptr : &in.at(slot);
  }
  template <class Lookup>
  const Value* find(const Lookup& key) const {
    const auto* found = find_entry(key);
    return found ? &found->value : nullptr;
  }
  template <class Lookup>
  bool contains(const Lookup& key) const {
    return find(key) != nullptr;
  }

  /// For a change in place.
  template <class Lookup>
  Value* edit(const Lookup& key) {
    const auto hash = Hash()(key);
    fetch(hash);
    auto& in = *directory_[index(hash)];
    const auto slot = in.find(hash, [&](const entry& e) { return e.key == key; });
    if (slot == bin::none) return nullptr;
    if (hash < watched_) note(in.at(slot).key);
    return &in.at(slot).value;
  }

  /// The entry's value, made of `args` if it is new; for a change in place.
  template <class Lookup, class... Args>
  std::pair<Value&, bool> try_emplace(Lookup&& key, Args&&... args) {
    const auto hash = Hash()(key);
    fetch(hash);
    auto* in = directory_[index(hash)];
    if (const auto slot = in->find(hash, [&](const entry& e) { return e.key == key; });
        slot != bin::none) {
      if (hash < watched_) note(in->at(slot).key);
      return {in->at(slot).value, false};
    }
    if (in->full()) in = make_room(hash);
    auto& made = in->at(
        in->insert(hash, Key(std::forward<Lookup>(key)), Value(std::forward<Args>(args)...)));
    ++size_;
    if (hash < watched_) note(made.key);
    return {made.value, true};
  }

  template <class Lookup, class Assigned>
  Value& insert_or_assign(Lookup&& key, Assigned&& value) {
    auto [at, fresh] = try_emplace(std::forward<Lookup>(key));
    at = std::forward<Assigned>(value);
    return at;
  }

  template <class Lookup>
  bool erase(const Lookup& key) {
    const auto hash = Hash()(key);
    fetch(hash);
    auto* in = directory_[index(hash)];
    const auto slot = in->find(hash, [&](const entry& e) { return e.key == key; });
    if (slot == bin::none) return false;
    if (hash < watched_) note(in->at(slot).key);
    in->erase(slot);
    --size_;
    if (in->worn()) renew(hash, in->slots());
    return true;
  }

  /// In no particular order. Entries must not come or go meanwhile.
  template <class Each>
  void for_each(Each each) const {
    fetch(begin, end);
    for_each_bin([&](const bin& b) { b.for_each(each); });
  }

  // -- in parts ---------------------------------------------------------------------------------

  static constexpr std::uint64_t begin = 0, end = ~std::uint64_t{0};

  /// Whether the key's place is from `from` up to `to`.
  template <class Lookup>
  static bool is_between(const Lookup& key, std::uint64_t from, std::uint64_t to) {
    if (from == begin && to == end) return true;
    const auto place = Hash()(key);
    return place >= from && (place < to || to == end);
  }

  /// Visits all entries of so many bins that there are `least` entries, or all that are left.
  /// Returns the place to go on from; `end` after the last. Whoever goes on until then has seen
  /// every entry that was there all the time, once.
  template <class Each>
  std::uint64_t visit(std::uint64_t from, std::size_t least, Each each) const {
    for (std::size_t seen = 0; seen < least && from != end;) {
      if (source_) [[unlikely]]
        fetch(from, after(*directory_[index(from)], from)); // it may be split by that
      const auto& b = *directory_[index(from)];
      b.for_each(each);
      seen += b.size();
      from = after(b, from);
    }
    return from;
  }

  /// The same, and takes them out: `each` gets them as rvalues. Begins no bin at or behind `to`.
  template <class Each>
  std::uint64_t extract(std::uint64_t from, std::uint64_t to, std::size_t least, Each each) {
    for (std::size_t seen = 0; seen < least && from < to;) {
      auto* b = directory_[index(from)];
      seen += b->size();
      size_ -= b->size();
      b->for_each([&](entry& e) { each(std::move(e)); });
      const auto next = after(*b, from);
      replace(from, *b, bin::make(bin::least, b->depth()).release());
      bin::destroy(b);
      from = next;
    }
    return from;
  }

  /// From now on what changes before this place is noted; `begin` = nothing is, and all that was
  /// noted is forgotten.
  void watch(std::uint64_t before) {
    watched_ = before;
    if (before == begin) changed_.clear();
  }
  /// As if the entry with this key had changed.
  void note(const Key& key) { changed_.insert(key); }
  /// How many entries have changed before the place that is watched.
  std::size_t changed() const { return changed_.size(); }
  /// Up to `most` of them, which are then no longer counted: `each` gets the key, and the entry or
  /// null if it has gone.
  template <class Each>
  void take_changed(std::size_t most, Each each) {
    for (; most > 0 && !changed_.empty(); --most) {
      auto node = changed_.extract(changed_.begin());
      const auto* found = find_entry(node.value());
      each(std::move(node.value()), found);
    }
  }

  /// What is asked for is fetched from there first, from now on; null: everything is here. Returns
  /// what was set before.
  state_source* draw_from(state_source* source) { return std::exchange(source_, source); }

  /// Bytes of its bins and directory, without what keys and values own.
  std::size_t memory() const {
    std::size_t sum = directory_.capacity() * sizeof(directory_[0]);
    for_each_bin([&](const bin& b) { sum += b.memory(); });
    return sum;
  }

private:
  using bin = detail::hash_bin<entry>;
  struct hasher {
    std::size_t operator()(const Key& key) const { return Hash()(key); }
  };
  // A directory that is larger would be so for a few keys whose hashes are much alike: a split does
  // not help them.
  static constexpr std::size_t directory_per_bin = 16;

  std::size_t index(std::uint64_t hash) const {
    return depth_ == 0 ? 0 : static_cast<std::size_t>(hash >> (64 - depth_));
  }
  /// The first place behind a bin.
  static std::uint64_t after(const bin& b, std::uint64_t at) {
    if (b.depth() == 0) return end;
    const auto width = std::uint64_t{1} << (64 - b.depth());
    const auto next = (at / width + 1) * width; // 0 after the last
    return next == 0 ? end : next;
  }

  void fetch(std::uint64_t hash) const {
    if (source_) [[unlikely]]
      fetch(hash - (hash == end), hash + (hash != end));
  }
  /// What comes is put in by whoever the source belongs to, into this very map.
  void fetch(std::uint64_t from, std::uint64_t to) const {
    if (auto* source = std::exchange(source_, nullptr)) {
      source->fetch(from, to);
      source_ = source;
    }
  }

  template <class Each>
  void for_each_bin(Each each) const {
    for (std::size_t i = 0; i < directory_.size();
         i += std::size_t{1} << (depth_ - directory_[i]->depth()))
      each(*directory_[i]);
  }
  void drop_bins() {
    for (std::size_t i = 0; i < directory_.size();) {
      const auto next = i + (std::size_t{1} << (depth_ - directory_[i]->depth()));
      bin::destroy(directory_[i]);
      i = next;
    }
    directory_.clear();
  }

  /// Puts another bin into the place of one, in the part of the directory that `depth` bits give.
  void replace(std::uint64_t hash, const bin& old, bin* other) {
    const auto width = std::size_t{1} << (depth_ - old.depth());
    const auto first = index(hash) / width * width;
    std::fill_n(directory_.begin() + static_cast<std::ptrdiff_t>(first), width, other);
  }

  /// A bin with room for an entry of this hash.
  bin* make_room(std::uint64_t hash) {
    for (;;) {
      auto* in = directory_[index(hash)];
      if (!in->full()) return in;
      if (in->size() < in->slots() / 2) renew(hash, in->slots());
      else if (in->slots() < bin::most()) renew(hash, std::min(in->slots() * 2, bin::most()));
      else if (!may_split(*in)) renew(hash, in->slots() * 2);
      else split(hash);
    }
  }

  bool may_split(const bin& b) const {
    return b.depth() < depth_ || directory_.size() < bins_ * directory_per_bin;
  }

  /// The same entries in a new bin.
  void renew(std::uint64_t hash, std::size_t slots) {
    auto* old = directory_[index(hash)];
    auto fresh = bin::make(slots, old->depth());
    old->for_each([&](entry& e) { fresh->insert(Hash()(e.key), std::move(e)); });
    replace(hash, *old, fresh.release());
    bin::destroy(old);
  }

  void split(std::uint64_t hash) {
    auto* old = directory_[index(hash)];
    if (old->depth() == depth_) double_directory();
    const auto depth = old->depth() + 1u;
    const auto bit = std::uint64_t{1} << (64 - depth);
    auto low = bin::make(old->slots(), depth), high = bin::make(old->slots(), depth);
    old->for_each([&](entry& e) {
      const auto h = Hash()(e.key);
      (h & bit ? high : low)->insert(h, std::move(e));
    });
    replace(hash & ~bit, *low, low.get());
    replace(hash | bit, *high, high.get());
    low.release();
    high.release();
    ++bins_;
    bin::destroy(old);
  }

  void double_directory() {
    std::vector<bin*> doubled;
    doubled.reserve(directory_.size() * 2);
    for (auto* b : directory_) doubled.insert(doubled.end(), 2, b);
    directory_ = std::move(doubled);
    ++depth_;
  }

  std::vector<bin*> directory_; // by the highest `depth_` bits; each bin where its bits agree
  unsigned depth_ = 0;
  std::size_t bins_ = 1;
  std::size_t size_ = 0;
  std::uint64_t watched_ = begin;
  std::unordered_set<Key, hasher> changed_;
  mutable state_source* source_ = nullptr;
};

} // namespace instar

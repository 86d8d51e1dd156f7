#pragma once

#include "transfer/hash_bin.hpp"
#include "transfer/key_hash.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <utility>

namespace instar::bench {

/// What `tracked_map` would be if nothing ever had to move: one table that doubles. The same hash,
/// the same tags, but no directory and nothing that watches or fetches.
template <class Key, class Value>
class doubling_table {
public:
  struct entry {
    Key key;
    Value value;
  };
  static constexpr std::uint64_t begin = 0, end = ~std::uint64_t{0};

  std::size_t size() const { return table_->size(); }
  void clear() { table_ = bin::make(bin::least, 0); }

  template <class Lookup>
  const Value* find(const Lookup& key) const {
    const auto slot = slot_of(key, key_hash<Key>()(key));
    return slot == bin::none ? nullptr : &table_->at(slot).value;
  }
  template <class Lookup>
  Value* edit(const Lookup& key) {
    return const_cast<Value*>(find(key));
  }
  template <class Lookup>
  std::pair<Value&, bool> try_emplace(const Lookup& key) {
    const auto hash = key_hash<Key>()(key);
    if (const auto slot = slot_of(key, hash); slot != bin::none)
      return {table_->at(slot).value, false};
    if (table_->full()) grow();
    return {table_->at(table_->insert(hash, Key(key), Value())).value, true};
  }
  template <class Lookup>
  bool erase(const Lookup& key) {
    const auto slot = slot_of(key, key_hash<Key>()(key));
    if (slot == bin::none) return false;
    table_->erase(slot);
    return true;
  }
  template <class Each>
  void for_each(Each each) const {
    std::as_const(*table_).for_each(each);
  }
  template <class Each>
  std::uint64_t visit(std::uint64_t, std::size_t, Each each) const {
    for_each(each);
    return end;
  }

private:
  using bin = detail::hash_bin<entry>;

  template <class Lookup>
  std::size_t slot_of(const Lookup& key, std::uint64_t hash) const {
    return table_->find(hash, [&](const entry& e) { return e.key == key; });
  }
  void grow() {
    auto larger = bin::make(table_->slots() * 2, 0);
    table_->for_each([&](entry& e) { larger->insert(key_hash<Key>()(e.key), std::move(e)); });
    table_ = std::move(larger);
  }

  typename bin::pointer table_ = bin::make(bin::least, 0);
};

/// The standard library's, with the same interface.
template <class Key, class Value>
class standard_map {
public:
  struct entry {
    Key key;
    mutable Value value;
  };
  static constexpr std::uint64_t begin = 0, end = ~std::uint64_t{0};

  std::size_t size() const { return set_.size(); }
  void clear() { set_.clear(); }
  template <class Lookup>
  const Value* find(const Lookup& key) const {
    const auto found = set_.find(key);
    return found == set_.end() ? nullptr : &found->value;
  }
  template <class Lookup>
  Value* edit(const Lookup& key) {
    return const_cast<Value*>(find(key));
  }
  template <class Lookup>
  std::pair<Value&, bool> try_emplace(const Lookup& key) {
    if (auto* found = edit(key)) return {*found, false};
    return {set_.emplace(Key(key), Value()).first->value, true};
  }
  template <class Lookup>
  bool erase(const Lookup& key) {
    const auto found = set_.find(key);
    if (found == set_.end()) return false;
    set_.erase(found);
    return true;
  }
  template <class Each>
  void for_each(Each each) const {
    for (const auto& e : set_) each(e);
  }
  template <class Each>
  std::uint64_t visit(std::uint64_t, std::size_t, Each each) const {
    for_each(each);
    return end;
  }

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(const entry& e) const { return key_hash<Key>()(e.key); }
    template <class Lookup>
    std::size_t operator()(const Lookup& key) const {
      return key_hash<Key>()(key);
    }
  };
  struct same {
    using is_transparent = void;
    bool operator()(const entry& a, const entry& b) const { return a.key == b.key; }
    template <class Lookup>
    bool operator()(const Lookup& key, const entry& e) const {
      return e.key == key;
    }
    template <class Lookup>
    bool operator()(const entry& e, const Lookup& key) const {
      return e.key == key;
    }
  };
  std::unordered_set<entry, hash, same> set_;
};

} // namespace instar::bench

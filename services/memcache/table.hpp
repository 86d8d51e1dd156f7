#pragma once

#include "actors/descriptors.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace instar::memcache {

/// What a table counts, by the names that `stats` gives them.
enum class count : std::uint8_t {
  cmd_get,
  cmd_set,
  cmd_flush,
  cmd_touch,
  get_hits,
  get_misses,
  get_expired,
  delete_hits,
  delete_misses,
  incr_hits,
  incr_misses,
  decr_hits,
  decr_misses,
  cas_hits,
  cas_misses,
  cas_badval,
  touch_hits,
  touch_misses,
  total_items,
  evictions,
  reclaimed,
  number, ///< of counts
};
std::string_view to_string(count which) noexcept;
using counts = std::array<std::uint64_t, static_cast<std::size_t>(count::number)>;

/// How something is stored.
enum class storing : std::uint8_t { set, add, replace, append, prepend, cas };

enum class outcome : std::uint8_t {
  done,
  not_stored,
  exists, ///< somebody has changed it since the `cas` was read
  not_found,
  too_large,
  not_a_number,
};

/// The entries that the event loops of a cache share: by hash in shards, each with a lock that is
/// held for one operation, and with the least recently used at the end of its list.
///
/// Host-owned, so it stays as it is while those who use it are exchanged. Time is what `tick` says,
/// in whole seconds, as in memcached: an entry is gone from the tick on that reaches its expiry.
/// Any thread.
class table {
public:
  static constexpr std::size_t longest_key = 250;
  static constexpr std::size_t default_memory = std::size_t{64} << 20;
  static constexpr std::size_t default_item = std::size_t{1} << 20;

  table();
  ~table();
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  /// `memory` for all entries, beyond which the least recently used go; `item` bytes for a value.
  void limit(std::size_t memory, std::size_t item);
  std::size_t memory_limit() const noexcept { return memory_; }
  std::size_t item_limit() const noexcept { return item_; }

  // -- commands ----------------------------------------------------------------------------------

  struct entry {
    std::string key, value;
    std::uint32_t flags = 0;
    std::int64_t expires = 0; ///< seconds since 1970; 0 = never
    std::uint64_t cas = 0;
  };

  /// Calls `use(entry)` if there is one. What `use` gets must not be kept.
  template <class Use>
  bool get(std::string_view key, Use use) {
    const locked held(*this, key);
    const auto* found = look_up(held.in, key, nullptr);
    if (found) use(*found);
    return found != nullptr;
  }
  /// The same, and the entry expires at another time.
  template <class Use>
  bool get_and_touch(std::string_view key, std::int64_t expires, Use use) {
    const locked held(*this, key);
    const auto* found = look_up(held.in, key, &expires);
    if (found) use(*found);
    return found != nullptr;
  }
  bool touch(std::string_view key, std::int64_t expires);
  outcome store(storing how, std::string_view key, std::uint32_t flags, std::int64_t expires,
                std::string_view value, std::uint64_t cas = 0);
  bool erase(std::string_view key);
  /// The same, not counted.
  void forget(std::string_view key);
  /// Adds, or subtracts down to 0; `result` is the new number.
  outcome count_by(std::string_view key, std::uint64_t by, bool down, std::uint64_t& result);
  /// Forgets all entries that there are at that time; those of now at once.
  void flush(std::int64_t when);

  // -- time --------------------------------------------------------------------------------------

  /// Seconds since 1970, at the last tick.
  std::int64_t now() const noexcept { return now_.load(std::memory_order_relaxed); }
  /// When something ends that a client gave this `exptime`: seconds from now, or since 1970 if
  /// that is more than 30 days; 0 = never, negative = at once.
  std::int64_t expiry(std::int64_t exptime) const noexcept;
  /// It is that late now.
  void tick(std::int64_t now);
  /// Throws away the expired entries of one shard, the next at each call.
  void reap();

  // -- what is known of it -----------------------------------------------------------------------

  struct summary {
    counts counted{};
    std::uint64_t items = 0, bytes = 0;
  };
  summary look() const;
  void reset_counts();

  /// A client's connection: counted as long as somebody has it.
  void joined(const std::shared_ptr<descriptor>& connection);
  std::uint64_t connections() const;
  std::uint64_t connections_ever() const;

  /// Of those who use it.
  std::atomic<std::uint64_t> bytes_read{0}, bytes_written{0}, loops{0};
  const std::int64_t started;

  static constexpr std::size_t shards = 64;

private:
  struct shard;
  struct locked {
    locked(table& of, std::string_view key);
    ~locked();
    locked(const locked&) = delete;
    locked& operator=(const locked&) = delete;
    shard& in;
  };

  shard& shard_of(std::string_view key) noexcept;
  entry* look(shard& in, std::string_view key);
  const entry* look_up(shard& in, std::string_view key, const std::int64_t* touch);
  void remove(shard& in, std::string_view key);
  void put(shard& in, entry made);
  void fit(shard& in);
  void clear();
  outcome join(shard& in, storing how, std::string_view key, std::string_view value);

  std::unique_ptr<shard[]> all_;
  std::atomic<std::size_t> memory_{default_memory}, item_{default_item};
  std::atomic<std::int64_t> now_;
  std::atomic<std::int64_t> flush_at_{0};
  std::atomic<std::uint64_t> last_cas_{0};
  std::atomic<std::size_t> reaped_{0};
  mutable std::mutex connections_guard_;
  mutable std::vector<std::weak_ptr<descriptor>> connections_;
  std::uint64_t connections_ever_ = 0;
};

/// The tables of a process by name: a resource that the host offers. Any thread.
class tables {
public:
  static constexpr std::string_view resource_name = "memcache.tables";

  /// The one of that name, as long as somebody has it; else a new one.
  std::shared_ptr<table> open(const std::string& name);

private:
  std::mutex guard_;
  std::map<std::string, std::weak_ptr<table>> all_;
};

} // namespace instar::memcache

#include "services/memcache/table.hpp"

#include "transfer/key_hash.hpp"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <list>
#include <unordered_map>
#include <utility>

namespace instar::memcache {

namespace {

using hash = key_hash<std::string_view>;

std::int64_t wall_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec;
}

/// Of an entry without its key and value: what it takes in the list and the index.
constexpr std::size_t overhead = sizeof(table::entry) + 64;

std::size_t size_of(const table::entry& e) {
  return overhead + e.key.capacity() + e.value.capacity();
}

} // namespace

std::string_view to_string(count which) noexcept {
  static constexpr std::string_view names[] = {
      "cmd_get",     "cmd_set",     "cmd_flush",     "cmd_touch",  "get_hits",    "get_misses",
      "get_expired", "delete_hits", "delete_misses", "incr_hits",  "incr_misses", "decr_hits",
      "decr_misses", "cas_hits",    "cas_misses",    "cas_badval", "touch_hits",  "touch_misses",
      "total_items", "evictions",   "reclaimed"};
  static_assert(std::size(names) == static_cast<std::size_t>(count::number));
  return names[static_cast<std::size_t>(which)];
}

struct alignas(64) table::shard {
  std::mutex guard;
  std::list<entry> used; // the latest first
  std::unordered_map<std::string_view, std::list<entry>::iterator, hash> index;
  std::size_t bytes = 0;
  counts counted{};

  void note(count what) { ++counted[static_cast<std::size_t>(what)]; }
};

table::locked::locked(table& of, std::string_view key) : in(of.shard_of(key)) { in.guard.lock(); }
table::locked::~locked() { in.guard.unlock(); }

table::table() : started(wall_seconds()), all_(new shard[shards]), now_(started) {}
table::~table() = default;

void table::limit(std::size_t memory, std::size_t item) {
  memory_ = memory;
  item_ = item;
  for (std::size_t i = 0; i < shards; ++i) {
    const std::lock_guard held(all_[i].guard);
    fit(all_[i]);
  }
}

table::shard& table::shard_of(std::string_view key) noexcept {
  // The lowest bits choose the place in the shard's index.
  return all_[(hash()(key) >> 32) & (shards - 1)];
}

// -- entries ------------------------------------------------------------------------------------

/// The entry, unless its time has come.
table::entry* table::look(shard& in, std::string_view key) {
  const auto at = in.index.find(key);
  if (at == in.index.end()) return nullptr;
  auto& found = *at->second;
  if (found.expires == 0 || found.expires > now()) return &found;
  in.note(count::reclaimed);
  remove(in, key);
  return nullptr;
}

const table::entry* table::look_up(shard& in, std::string_view key, const std::int64_t* touch) {
  in.note(touch ? count::cmd_touch : count::cmd_get);
  const auto before = in.index.size();
  auto* const found = look(in, key);
  if (touch) in.note(found ? count::touch_hits : count::touch_misses);
  in.note(found ? count::get_hits : count::get_misses);
  if (!found) {
    if (in.index.size() < before) in.note(count::get_expired);
    return nullptr;
  }
  if (touch) found->expires = *touch;
  const auto at = in.index.find(key)->second;
  in.used.splice(in.used.begin(), in.used, at);
  return found;
}

void table::remove(shard& in, std::string_view key) {
  const auto at = in.index.find(key);
  if (at == in.index.end()) return;
  const auto entry = at->second;
  in.bytes -= size_of(*entry);
  in.index.erase(at);
  in.used.erase(entry);
}

void table::put(shard& in, entry made) {
  remove(in, made.key);
  made.cas = last_cas_.fetch_add(1, std::memory_order_relaxed) + 1;
  in.used.push_front(std::move(made));
  const auto at = in.used.begin();
  in.index.emplace(at->key, at);
  in.bytes += size_of(*at);
  in.note(count::total_items);
  fit(in);
}

/// The newest entry stays in any case.
void table::fit(shard& in) {
  const auto room = memory_.load(std::memory_order_relaxed) / shards;
  while (in.bytes > room && in.used.size() > 1) {
    const auto& last = in.used.back();
    const bool over = last.expires != 0 && last.expires <= now();
    in.note(over ? count::reclaimed : count::evictions);
    remove(in, std::string(last.key));
  }
}

// -- commands -----------------------------------------------------------------------------------

bool table::touch(std::string_view key, std::int64_t expires) {
  const locked held(*this, key);
  held.in.note(count::cmd_touch);
  auto* const found = look(held.in, key);
  held.in.note(found ? count::touch_hits : count::touch_misses);
  if (found) found->expires = expires;
  return found != nullptr;
}

outcome table::store(storing how, std::string_view key, std::uint32_t flags, std::int64_t expires,
                     std::string_view value, std::uint64_t cas) {
  const locked held(*this, key);
  auto& in = held.in;
  in.note(count::cmd_set);
  if (value.size() > item_limit()) {
    if (how == storing::set) remove(in, key); // what it had would be out of date
    return outcome::too_large;
  }
  const auto* const found = look(in, key);
  switch (how) {
  case storing::set:
    break;
  case storing::add:
    if (found) return outcome::not_stored;
    break;
  case storing::replace:
    if (!found) return outcome::not_stored;
    break;
  case storing::append:
  case storing::prepend:
    return found ? join(in, how, key, value) : outcome::not_stored;
  case storing::cas:
    if (!found) return in.note(count::cas_misses), outcome::not_found;
    if (found->cas != cas) return in.note(count::cas_badval), outcome::exists;
    in.note(count::cas_hits);
    break;
  }
  put(in, {std::string(key), std::string(value), flags, expires, 0});
  return outcome::done;
}

/// Flags and expiry stay as they are.
outcome table::join(shard& in, storing how, std::string_view key, std::string_view value) {
  const auto& old = *in.index.find(key)->second;
  if (old.value.size() + value.size() > item_limit()) return outcome::too_large;
  auto joined =
      how == storing::append ? old.value + std::string(value) : std::string(value) + old.value;
  put(in, {std::string(key), std::move(joined), old.flags, old.expires, 0});
  return outcome::done;
}

bool table::erase(std::string_view key) {
  const locked held(*this, key);
  const bool found = look(held.in, key) != nullptr;
  held.in.note(found ? count::delete_hits : count::delete_misses);
  if (found) remove(held.in, key);
  return found;
}

void table::forget(std::string_view key) {
  const locked held(*this, key);
  remove(held.in, key);
}

outcome table::count_by(std::string_view key, std::uint64_t by, bool down, std::uint64_t& result) {
  const locked held(*this, key);
  auto& in = held.in;
  const auto* const found = look(in, key);
  if (!found) {
    in.note(down ? count::decr_misses : count::incr_misses);
    return outcome::not_found;
  }
  const auto& text = found->value;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return outcome::not_a_number;
  in.note(down ? count::decr_hits : count::incr_hits);
  result = !down ? number + by : number > by ? number - by : 0;
  put(in, {std::string(key), std::to_string(result), found->flags, found->expires, 0});
  return outcome::done;
}

void table::flush(std::int64_t when) {
  {
    const std::lock_guard held(all_[0].guard);
    all_[0].note(count::cmd_flush);
  }
  if (when > now()) {
    flush_at_ = when;
    return;
  }
  flush_at_ = 0;
  clear();
}

void table::clear() {
  for (std::size_t i = 0; i < shards; ++i) {
    const std::lock_guard held(all_[i].guard);
    all_[i].index.clear();
    all_[i].used.clear();
    all_[i].bytes = 0;
  }
}

// -- time ---------------------------------------------------------------------------------------

std::int64_t table::expiry(std::int64_t exptime) const noexcept {
  constexpr std::int64_t most_relative = 60 * 60 * 24 * 30;
  if (exptime == 0) return 0;
  if (exptime < 0) return 1;
  return exptime <= most_relative ? now() + exptime : exptime;
}

void table::tick(std::int64_t now) {
  now_ = now;
  auto due = flush_at_.load();
  if (due == 0 || due > now || !flush_at_.compare_exchange_strong(due, 0)) return;
  clear();
}

void table::reap() {
  auto& in = all_[reaped_.fetch_add(1) % shards];
  const std::lock_guard held(in.guard);
  for (auto at = in.used.begin(); at != in.used.end();) {
    const auto& e = *at++;
    if (e.expires == 0 || e.expires > now()) continue;
    in.note(count::reclaimed);
    remove(in, std::string(e.key));
  }
}

// -- what is known of it ------------------------------------------------------------------------

table::summary table::look() const {
  summary sum;
  for (std::size_t i = 0; i < shards; ++i) {
    auto& in = all_[i];
    const std::lock_guard held(in.guard);
    for (std::size_t c = 0; c < sum.counted.size(); ++c) sum.counted[c] += in.counted[c];
    sum.items += in.index.size();
    sum.bytes += in.bytes;
  }
  return sum;
}

void table::reset_counts() {
  for (std::size_t i = 0; i < shards; ++i) {
    const std::lock_guard held(all_[i].guard);
    all_[i].counted = {};
  }
}

void table::joined(const std::shared_ptr<descriptor>& connection) {
  const std::lock_guard held(connections_guard_);
  std::erase_if(connections_, [](const auto& one) { return one.expired(); });
  connections_.push_back(connection);
  ++connections_ever_;
}

std::uint64_t table::connections() const {
  const std::lock_guard held(connections_guard_);
  std::erase_if(connections_, [](const auto& one) { return one.expired(); });
  return connections_.size();
}

std::uint64_t table::connections_ever() const {
  const std::lock_guard held(connections_guard_);
  return connections_ever_;
}

std::shared_ptr<table> tables::open(const std::string& name) {
  const std::lock_guard held(guard_);
  auto& kept = all_[name];
  auto found = kept.lock();
  if (!found) kept = found = std::make_shared<table>();
  return found;
}

} // namespace instar::memcache

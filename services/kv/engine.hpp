#pragma once

#include "services/kv/batch.hpp"
#include "services/kv/glob.hpp"
#include "services/kv/reply_text.hpp"
#include "services/kv/resp.hpp"
#include "services/kv/value.hpp"
#include "transfer/keyed_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instar::kv {

/// Milliseconds since 1970.
std::int64_t wall_ms();

struct store_limits {
  std::size_t max_value = std::size_t{64} << 20;  ///< bytes of a value, all elements together
  std::size_t max_reply = std::size_t{256} << 20; ///< bytes of the answers to one batch
};

/// What a store counts; goes on over updates.
struct store_counters {
  std::int64_t started = 0; ///< milliseconds since 1970
  std::uint64_t commands = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t expired = 0;
};

/// The version from which on the store knows a command.
constexpr unsigned since(command_id id) {
  if (id >= command_id::hset) return 4;
  if (id >= command_id::expire || id == command_id::setex || id == command_id::psetex) return 3;
  return id >= command_id::lpush ? 2 : 1;
}

/// Carries out commands on the entries. What its versions share; `Model` says how a version keeps
/// an entry, and so what it can do: lists from version 2 on, expiry from 3, hashes from 4.
///
/// `Map` is what entries are in, with the interface of `tracked_map`.
template <class Model, class Map = typename Model::codec::map>
class engine {
public:
  using codec = typename Model::codec;
  using value = typename codec::value;
  using entry = typename Map::entry;
  using key_type = decltype(entry::key);
  using args = std::span<const std::string_view>;
  using clock = std::int64_t (*)();

  engine(Map& entries, store_limits limits, clock now = &wall_ms)
      : map_(entries), limits_(limits), clock_(now) {}

  /// Carries out all commands of a batch and writes their answers.
  void run(const batch& what, replies& to);

  /// Deletes some of the entries whose time has come, with little effort. To be called from time
  /// to time while `expires`.
  void sweep();
  /// Whether there may be entries that expire.
  bool expires() const { return may_expire_; }
  /// Entries have come in another way.
  void entries_came() { may_expire_ = seen_expiring_ = value::expiry; }

  store_counters& counters() { return counters_; }
  const store_counters& counters() const { return counters_; }

private:
  void execute(command_id id, args a, const batch& in, reply_text& out);
  bool execute_text(command_id id, args a, reply_text& out);
  bool execute_keys(command_id id, args a, const batch& in, reply_text& out);
  bool execute_server(command_id id, args a, const batch& in, reply_text& out);
  bool execute_list(command_id id, args a, reply_text& out);
  bool execute_expiry(command_id id, args a, reply_text& out);
  bool execute_hash(command_id id, args a, reply_text& out);

  // -- engine_text.hpp --
  struct set_options {
    bool if_absent = false, if_present = false, old_value = false, keep_expiry = false;
    std::int64_t expires = 0;
  };
  void get(std::string_view key, reply_text& out);
  void set(args a, reply_text& out);
  bool read_options(args a, set_options& options, reply_text& out);
  void store(std::string_view key, std::string_view text, std::int64_t expires);
  void setnx(args a, reply_text& out);
  void setex(args a, reply_text& out, std::int64_t unit);
  void getset(args a, reply_text& out);
  void getdel(args a, reply_text& out);
  void append(args a, reply_text& out);
  void strlen(args a, reply_text& out);
  void add(std::string_view key, std::int64_t step, reply_text& out);
  void add_given(args a, bool negative, reply_text& out);
  void mget(args a, reply_text& out);
  void mset(args a, reply_text& out);
  /// The old value, as GET would answer. False if it is no text; then that is the answer.
  bool write_old(std::string_view key, reply_text& out);

  // -- engine_keys.hpp --
  void erase_keys(args a, reply_text& out);
  void exists(args a, reply_text& out);
  void type(args a, reply_text& out);
  void keys(args a, reply_text& out);
  void scan(args a, std::uint64_t end, reply_text& out);
  bool expire_time(std::string_view text, std::int64_t unit, bool relative, std::int64_t& when);
  void expire(args a, std::int64_t unit, bool relative, reply_text& out);
  void ttl(args a, std::int64_t unit, reply_text& out);
  void persist(args a, reply_text& out);

  // -- engine_server.hpp --
  void info(reply_text& out);
  void command(args a, reply_text& out);
  void config(args a, reply_text& out);
  void client(args a, const batch& in, reply_text& out);
  void hello(args a, reply_text& out);

  // -- engine_list.hpp, engine_hash.hpp --
  void push(args a, bool front, reply_text& out);
  void pop(args a, bool front, reply_text& out);
  void lrange(args a, reply_text& out);
  void hset(args a, reply_text& out);
  void hdel(args a, reply_text& out);

  // -- entries --
  static bool is(std::string_view text, std::string_view lower);
  std::int64_t now() { return now_ != 0 ? now_ : now_ = clock_(); }
  bool over(const value& v) {
    if constexpr (value::expiry) return v.expires() != 0 && v.expires() <= now();
    else return false;
  }
  void erase_expired(std::string_view key) {
    map_.erase(key);
    ++counters_.expired;
  }
  /// The value of a key, unless its time has come.
  const value* look(std::string_view key) {
    const auto* found = map_.find(key);
    if (!found || !over(*found)) return found;
    erase_expired(key);
    return nullptr;
  }
  /// The same, counted.
  const value* look_up(std::string_view key) {
    const auto* found = look(key);
    ++(found ? counters_.hits : counters_.misses);
    return found;
  }
  /// For a change.
  value* edit(std::string_view key) { return look(key) ? map_.edit(key) : nullptr; }
  /// For a change; an empty one if there was none.
  std::pair<value&, bool> make(std::string_view key) {
    auto [at, fresh] = map_.try_emplace(key);
    if (fresh || !over(at)) return {at, fresh};
    at = value();
    ++counters_.expired;
    return {at, true};
  }
  bool fits(std::size_t bytes, reply_text& out) {
    if (bytes <= limits_.max_value) return true;
    out.error("ERR the value would be larger than this server allows (max_value)");
    return false;
  }
  void wrong_arguments(args a, reply_text& out) {
    std::string name(a[0]);
    for (auto& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    out.error("ERR wrong number of arguments for '", name, "' command");
  }
  void unknown(args a, reply_text& out);

  Map& map_;
  const store_limits limits_;
  const clock clock_;
  store_counters counters_;
  std::int64_t now_ = 0; // of this batch, once somebody has asked
  bool may_expire_ = false;
  std::uint64_t swept_ = 0;             // the place up to which `sweep` has looked
  bool seen_expiring_ = false;          // since it began at the first place
  std::vector<std::string_view> found_; // of SCAN and KEYS
};

template <class Model, class Map>
void engine<Model, Map>::run(const batch& what, replies& to) {
  reply_text out(to);
  now_ = 0;
  const bool parted = what.place().parts > 1;
  for (const auto& c : what.commands()) {
    const auto before = out.size();
    if (before < limits_.max_reply) execute(c.id, what.args(c), what, out);
    else out.error("ERR the answers to what was sent at once are larger than this server allows");
    if (parted)
      to.parts.push_back({c.index, c.part, static_cast<std::uint32_t>(out.size() - before), c.how});
  }
  counters_.commands += what.commands().size();
}

template <class Model, class Map>
void engine<Model, Map>::execute(command_id id, args a, const batch& in, reply_text& out) {
  if (id == command_id::get && a.size() == 2) return get(a[1], out);
  if (id == command_id::set && a.size() >= 3) return set(a, out);
  if (id == command_id::malformed) return out.error("ERR Protocol error: ", a[0], {});
  const auto& info = info_of(id);
  if (info.id == command_id::unknown || since(id) > Model::version) return unknown(a, out);
  const auto count = static_cast<int>(a.size());
  if (info.arity < 0 ? count < -info.arity : count != info.arity) return wrong_arguments(a, out);
  if (execute_text(id, a, out) || execute_keys(id, a, in, out)) return;
  if constexpr (value::lists)
    if (execute_list(id, a, out)) return;
  if constexpr (value::expiry)
    if (execute_expiry(id, a, out)) return;
  if constexpr (value::hashes)
    if (execute_hash(id, a, out)) return;
  if (!execute_server(id, a, in, out)) unknown(a, out);
}

template <class Model, class Map>
bool engine<Model, Map>::is(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

template <class Model, class Map>
void engine<Model, Map>::unknown(args a, reply_text& out) {
  std::string text =
      "ERR unknown command '" + std::string(a[0].substr(0, 128)) + "', with args beginning with: ";
  for (std::size_t i = 1; i < a.size() && text.size() < 256; ++i)
    text += "'" + std::string(a[i].substr(0, 128)) + "' ";
  out.error(text);
}

template <class Model, class Map>
void engine<Model, Map>::sweep() {
  if constexpr (value::expiry) {
    constexpr std::size_t most_visited = 4096, most_expiring = 256;
    now_ = clock_();
    std::vector<key_type> over_now;
    std::size_t visited = 0, expiring = 0;
    while (visited < most_visited && expiring < most_expiring) {
      if (map_.size() == 0) break;
      swept_ = map_.visit(swept_, 1, [&](const entry& e) {
        ++visited;
        if (e.value.expires() == 0) return;
        ++expiring;
        if (e.value.expires() <= now_) over_now.push_back(e.key);
      });
      if (expiring > 0) seen_expiring_ = true;
      if (swept_ != Map::end) continue;
      may_expire_ = seen_expiring_;
      swept_ = Map::begin;
      seen_expiring_ = false;
      break;
    }
    for (const auto& key : over_now) erase_expired(key);
  }
}

} // namespace instar::kv

#include "services/kv/engine_keys.hpp"
#include "services/kv/engine_server.hpp"
#include "services/kv/engine_text.hpp"
#include "services/kv/engine_values.hpp"

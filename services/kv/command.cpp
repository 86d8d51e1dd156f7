#include "services/kv/command.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace instar::kv {

namespace {

using enum key_places;
using enum joining;
using id = command_id;

// In the order of the ids.
constexpr command_info commands[] = {
    {"", id::unknown, -1, first, whole},
    {"", id::malformed, -1, none, whole},
    {"get", id::get, 2, first, whole},
    {"set", id::set, -3, first, whole},
    {"setnx", id::setnx, 3, first, whole},
    {"setex", id::setex, 4, first, whole},
    {"psetex", id::psetex, 4, first, whole},
    {"getset", id::getset, 3, first, whole},
    {"getdel", id::getdel, 2, first, whole},
    {"append", id::append, 3, first, whole},
    {"strlen", id::strlen, 2, first, whole},
    {"incr", id::incr, 2, first, whole},
    {"decr", id::decr, 2, first, whole},
    {"incrby", id::incrby, 3, first, whole},
    {"decrby", id::decrby, 3, first, whole},
    {"mget", id::mget, -2, all, arrays},
    {"mset", id::mset, -3, pairs, status},
    {"del", id::del, -2, all, sum},
    {"unlink", id::unlink, -2, all, sum},
    {"exists", id::exists, -2, all, sum},
    {"type", id::type, 2, first, whole},
    {"keys", id::keys, 2, everywhere, arrays},
    {"scan", id::scan, -2, cursor, whole},
    {"dbsize", id::dbsize, 1, everywhere, sum},
    {"flushall", id::flushall, -1, everywhere, status},
    {"flushdb", id::flushdb, -1, everywhere, status},
    {"ping", id::ping, -1, none, whole},
    {"echo", id::echo, 2, none, whole},
    {"select", id::select, 2, none, whole},
    {"quit", id::quit, -1, none, whole},
    {"info", id::info, -1, everywhere, report},
    {"command", id::command, -1, none, whole},
    {"config", id::config, -2, none, whole},
    {"client", id::client, -2, none, whole},
    {"hello", id::hello, -1, none, whole},
    {"lpush", id::lpush, -3, first, whole},
    {"rpush", id::rpush, -3, first, whole},
    {"lpop", id::lpop, -2, first, whole},
    {"rpop", id::rpop, -2, first, whole},
    {"llen", id::llen, 2, first, whole},
    {"lrange", id::lrange, 4, first, whole},
    {"expire", id::expire, -3, first, whole},
    {"pexpire", id::pexpire, -3, first, whole},
    {"expireat", id::expireat, -3, first, whole},
    {"pexpireat", id::pexpireat, -3, first, whole},
    {"ttl", id::ttl, 2, first, whole},
    {"pttl", id::pttl, 2, first, whole},
    {"persist", id::persist, 2, first, whole},
    {"hset", id::hset, -4, first, whole},
    {"hget", id::hget, 3, first, whole},
    {"hdel", id::hdel, -3, first, whole},
    {"hlen", id::hlen, 2, first, whole},
    {"hgetall", id::hgetall, 2, first, whole},
    {"hexists", id::hexists, 3, first, whole},
};
constexpr std::size_t count = std::size(commands);
constexpr std::size_t longest = 9;

constexpr bool in_order() {
  for (std::size_t i = 0; i < count; ++i)
    if (static_cast<std::size_t>(commands[i].id) != i || commands[i].name.size() > longest)
      return false;
  return true;
}
static_assert(in_order());

/// The first eight characters as a number, letters in lower case.
constexpr std::uint64_t head_of(std::string_view name) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < name.size() && i < 8; ++i)
    head |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[i]) | 0x20) << (8 * i);
  return head;
}

constexpr std::size_t slots = 256;
constexpr std::size_t slot_of(std::uint64_t head, std::size_t size) {
  return static_cast<std::size_t>((head + size) * 0x9e3779b97f4a7c15 >> 56);
}

struct slot {
  std::uint64_t head = 0;
  std::uint8_t index = 0; // into `commands`; 0 = none
};

/// Open addressing; small enough to stay in the cache.
constexpr std::array<slot, slots> make_table() {
  std::array<slot, slots> table{};
  for (std::size_t i = 2; i < count; ++i) {
    const auto head = head_of(commands[i].name);
    auto at = slot_of(head, commands[i].name.size());
    while (table[at].index != 0) at = (at + 1) % slots;
    table[at] = {head, static_cast<std::uint8_t>(i)};
  }
  return table;
}
constexpr auto table = make_table();

} // namespace

const command_info& find_command(std::string_view name) noexcept {
  if (name.empty() || name.size() > longest) return commands[0];
  const auto head = head_of(name);
  for (auto at = slot_of(head, name.size()); table[at].index != 0; at = (at + 1) % slots) {
    const auto& found = commands[table[at].index];
    if (table[at].head != head || found.name.size() != name.size()) continue;
    if (name.size() > 8 && (name[8] | 0x20) != found.name[8]) continue;
    // `|` made lower case of letters, but something else of others.
    for (const char c : name)
      if (static_cast<unsigned char>((c | 0x20) - 'a') > 25) return commands[0];
    return found;
  }
  return commands[0];
}

const command_info& info_of(command_id id) noexcept {
  const auto index = static_cast<std::size_t>(id);
  return commands[index < count ? index : 0];
}

} // namespace instar::kv

#pragma once

#include <cstdint>
#include <string_view>

namespace instar::kv {

/// Every command that some version of the store knows. The numbers are part of what modules are
/// compiled against: new ones are added at the end.
enum class command_id : std::uint16_t {
  unknown,   ///< its name tells
  malformed, ///< no command: the bytes were not RESP; its argument says what is wrong
  get,
  set,
  setnx,
  setex,
  psetex,
  getset,
  getdel,
  append,
  strlen,
  incr,
  decr,
  incrby,
  decrby,
  mget,
  mset,
  del,
  unlink,
  exists,
  type,
  keys,
  scan,
  dbsize,
  flushall,
  flushdb,
  ping,
  echo,
  select,
  quit,
  info,
  command,
  config,
  client,
  hello,
  lpush,
  rpush,
  lpop,
  rpop,
  llen,
  lrange,
  expire,
  pexpire,
  expireat,
  pexpireat,
  ttl,
  pttl,
  persist,
  hset,
  hget,
  hdel,
  hlen,
  hgetall,
  hexists,
};

/// Where a command's keys are among its arguments.
enum class key_places : std::uint8_t {
  none,       ///< it has none: any store may answer it
  everywhere, ///< it is about all keys: each store answers for its own
  cursor,     ///< the first argument is a place in the space of hashes
  first,      ///< the first argument
  all,        ///< every argument
  pairs,      ///< every other argument, beginning with the first
};

/// How the answers of several stores to parts of one command become one.
enum class joining : std::uint8_t {
  whole,  ///< it is the answer
  arrays, ///< one array, in the order of the parts
  sum,    ///< of integers
  status, ///< the same from all
  report, ///< one text of `name:number` lines: what each has counted, added
};

struct command_info {
  std::string_view name; ///< in lower case
  command_id id = command_id::unknown;
  /// Of arguments with the name; negative: at least so many.
  int arity = -1;
  key_places keys = key_places::first;
  joining how = joining::whole;
};

/// What is known of the command of that name, in whatever case; of `unknown` if there is none.
const command_info& find_command(std::string_view name) noexcept;
const command_info& info_of(command_id id) noexcept;

} // namespace instar::kv

#pragma once

// Part of engine.hpp: commands on keys, whatever their values, and on their expiry.

#include "services/kv/engine.hpp"

#include <charconv>
#include <cstdio>

namespace instar::kv {

template <class Model, class Map>
bool engine<Model, Map>::execute_keys(command_id id, args a, const batch& in, reply_text& out) {
  switch (id) {
  case command_id::del:
  case command_id::unlink:
    return erase_keys(a, out), true;
  case command_id::exists:
    return exists(a, out), true;
  case command_id::type:
    return type(a, out), true;
  case command_id::keys:
    return keys(a, out), true;
  case command_id::scan:
    return scan(a, in.scan_end(), out), true;
  case command_id::dbsize:
    return out.integer(static_cast<std::int64_t>(map_.size())), true;
  case command_id::flushall:
  case command_id::flushdb:
    if (a.size() > 2 || (a.size() == 2 && !is(a[1], "async") && !is(a[1], "sync")))
      return out.error(errors::syntax), true;
    map_.clear();
    return out.ok(), true;
  default:
    return false;
  }
}

template <class Model, class Map>
void engine<Model, Map>::erase_keys(args a, reply_text& out) {
  std::int64_t erased = 0;
  for (const auto key : a.subspan(1)) erased += look(key) && map_.erase(key);
  out.integer(erased);
}

template <class Model, class Map>
void engine<Model, Map>::exists(args a, reply_text& out) {
  std::int64_t found = 0;
  for (const auto key : a.subspan(1)) found += look_up(key) != nullptr;
  out.integer(found);
}

namespace detail {

constexpr std::string_view name_of(value_kind kind) {
  switch (kind) {
  case value_kind::text:
    return "string";
  case value_kind::list:
    return "list";
  case value_kind::hash:
    return "hash";
  default:
    return "later";
  }
}

} // namespace detail

template <class Model, class Map>
void engine<Model, Map>::type(args a, reply_text& out) {
  const auto* found = look(a[1]);
  out.simple(found ? detail::name_of(found->kind()) : "none");
}

template <class Model, class Map>
void engine<Model, Map>::keys(args a, reply_text& out) {
  found_.clear();
  map_.for_each([&](const entry& e) {
    if (!over(e.value) && glob_match(a[1], e.key)) found_.push_back(e.key);
  });
  out.array(found_.size());
  for (const auto key : found_) out.bulk(key);
}

template <class Model, class Map>
void engine<Model, Map>::scan(args a, std::uint64_t end, reply_text& out) {
  std::uint64_t place = 0;
  const auto* last = a[1].data() + a[1].size();
  const auto [stop, error] = std::from_chars(a[1].data(), last, place);
  if (error != std::errc() || stop != last) return out.error("ERR invalid cursor");
  std::string_view pattern = "*", wanted;
  std::int64_t count = 10;
  for (std::size_t i = 2; i < a.size(); i += 2) {
    if (i + 1 == a.size()) return out.error(errors::syntax);
    if (is(a[i], "match")) pattern = a[i + 1];
    else if (is(a[i], "type")) wanted = a[i + 1];
    else if (!is(a[i], "count")) return out.error(errors::syntax);
    else if (!parse_integer(a[i + 1], count)) return out.error(errors::not_integer);
    else if (count < 1) return out.error(errors::syntax);
  }
  found_.clear();
  if (place != Map::end)
    place = map_.visit(place, static_cast<std::size_t>(count), [&](const entry& e) {
      if (over(e.value) || !glob_match(pattern, e.key)) return;
      if (wanted.empty() || is(wanted, detail::name_of(e.value.kind()))) found_.push_back(e.key);
    });
  place = std::min(place, end); // what follows is in another store
  char cursor[24];
  const auto cursor_end =
      std::to_chars(cursor, cursor + sizeof cursor, place == Map::end ? 0 : place).ptr;
  out.array(2);
  out.bulk({cursor, static_cast<std::size_t>(cursor_end - cursor)});
  out.array(found_.size());
  for (const auto key : found_) out.bulk(key);
}

// -- expiry -------------------------------------------------------------------------------------

template <class Model, class Map>
bool engine<Model, Map>::execute_expiry(command_id id, args a, reply_text& out) {
  switch (id) {
  case command_id::expire:
    return expire(a, 1000, true, out), true;
  case command_id::pexpire:
    return expire(a, 1, true, out), true;
  case command_id::expireat:
    return expire(a, 1000, false, out), true;
  case command_id::pexpireat:
    return expire(a, 1, false, out), true;
  case command_id::ttl:
    return ttl(a, 1000, out), true;
  case command_id::pttl:
    return ttl(a, 1, out), true;
  case command_id::persist:
    return persist(a, out), true;
  default:
    return false;
  }
}

/// False if it is no number, or one beyond all times. 0 does not come out: that would be never.
template <class Model, class Map>
bool engine<Model, Map>::expire_time(std::string_view text, std::int64_t unit, bool relative,
                                     std::int64_t& when) {
  constexpr auto most = std::int64_t{1} << 60;
  std::int64_t given;
  if (!parse_integer(text, given) || __builtin_mul_overflow(given, unit, &when) ||
      __builtin_add_overflow(when, relative ? now() : 0, &when) || when > most || when < -most)
    return false;
  if (when == 0) when = -1;
  return true;
}

template <class Model, class Map>
void engine<Model, Map>::expire(args a, std::int64_t unit, bool relative, reply_text& out) {
  if constexpr (value::expiry) {
    std::int64_t when;
    bool absent = false, present = false, greater = false, less = false;
    for (const auto o : a.subspan(3)) {
      if (is(o, "nx")) absent = true;
      else if (is(o, "xx")) present = true;
      else if (is(o, "gt")) greater = true;
      else if (is(o, "lt")) less = true;
      else return out.error("ERR Unsupported option ", o, {});
    }
    if (absent && (present || greater || less))
      return out.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    if (greater && less)
      return out.error("ERR GT and LT options at the same time are not compatible");
    std::int64_t given;
    if (!parse_integer(a[2], given)) return out.error(errors::not_integer);
    if (!expire_time(a[2], unit, relative, when))
      return out.error("ERR invalid expire time in '", info_of(find_command(a[0]).id).name,
                       "' command");
    const auto* found = look(a[1]);
    if (!found) return out.integer(0);
    const auto before = found->expires();
    if ((absent && before != 0) || (present && before == 0) ||
        (greater && (before == 0 || when <= before)) || (less && before != 0 && when >= before))
      return out.integer(0);
    if (when <= now()) {
      map_.erase(a[1]);
    } else {
      map_.edit(a[1])->expire_at(when);
      entries_came();
    }
    out.integer(1);
  }
}

template <class Model, class Map>
void engine<Model, Map>::ttl(args a, std::int64_t unit, reply_text& out) {
  if constexpr (value::expiry) {
    const auto* found = look(a[1]);
    if (!found) return out.integer(-2);
    if (found->expires() == 0) return out.integer(-1);
    out.integer((found->expires() - now() + unit / 2) / unit);
  }
}

template <class Model, class Map>
void engine<Model, Map>::persist(args a, reply_text& out) {
  if constexpr (value::expiry) {
    const auto* found = look(a[1]);
    if (!found || found->expires() == 0) return out.integer(0);
    map_.edit(a[1])->expire_at(0);
    out.integer(1);
  }
}

} // namespace instar::kv

#pragma once

// Part of engine.hpp: commands on lists and hashes.

#include "services/kv/engine.hpp"

#include <limits>

namespace instar::kv {

template <class Model, class Map>
bool engine<Model, Map>::execute_list(command_id id, args a, reply_text& out) {
  switch (id) {
  case command_id::lpush:
    return push(a, true, out), true;
  case command_id::rpush:
    return push(a, false, out), true;
  case command_id::lpop:
    return pop(a, true, out), true;
  case command_id::rpop:
    return pop(a, false, out), true;
  case command_id::lrange:
    return lrange(a, out), true;
  case command_id::llen: {
    const auto* found = look_up(a[1]);
    if (!found) out.integer(0);
    else if (found->kind() != value_kind::list) out.error(errors::wrong_type);
    else out.integer(static_cast<std::int64_t>(found->list().size()));
    return true;
  }
  default:
    return false;
  }
}

template <class Model, class Map>
void engine<Model, Map>::push(args a, bool front, reply_text& out) {
  std::size_t bytes = 0;
  for (const auto text : a.subspan(2)) bytes += text.size() + element_bytes;
  if (const auto* found = look(a[1])) {
    if (found->kind() != value_kind::list) return out.error(errors::wrong_type);
    bytes += found->list().bytes();
  }
  if (!fits(bytes, out)) return;
  auto [v, fresh] = make(a[1]);
  auto& list = fresh ? v.make_list() : v.list();
  for (const auto text : a.subspan(2)) {
    if (front) list.push_front(text);
    else list.push_back(text);
  }
  out.integer(static_cast<std::int64_t>(list.size()));
}

template <class Model, class Map>
void engine<Model, Map>::pop(args a, bool front, reply_text& out) {
  if (a.size() > 3) return wrong_arguments(a, out);
  std::int64_t most = 1;
  const bool counted = a.size() == 3;
  if (counted && (!parse_integer(a[2], most) || most < 0))
    return out.error("ERR value is out of range, must be positive");
  auto* found = edit(a[1]);
  if (!found) return counted ? out.no_array() : out.nil();
  if (found->kind() != value_kind::list) return out.error(errors::wrong_type);
  auto& list = found->list();
  const auto count = std::min(static_cast<std::size_t>(most), list.size());
  if (counted) out.array(count);
  for (auto left = count; left > 0; --left) {
    out.bulk(front ? list.front() : list.back());
    if (front) list.pop_front();
    else list.pop_back();
  }
  if (list.size() == 0) map_.erase(a[1]);
}

template <class Model, class Map>
void engine<Model, Map>::lrange(args a, reply_text& out) {
  std::int64_t first, last;
  if (!parse_integer(a[2], first) || !parse_integer(a[3], last))
    return out.error(errors::not_integer);
  const auto* found = look_up(a[1]);
  if (!found) return out.array(0);
  if (found->kind() != value_kind::list) return out.error(errors::wrong_type);
  const auto size = static_cast<std::int64_t>(found->list().size());
  if (first < 0) first = first < -size ? 0 : first + size;
  if (last < 0) last = last < -size ? -1 : last + size;
  last = std::min(last, size - 1);
  if (first > last) return out.array(0);
  out.array(static_cast<std::size_t>(last - first + 1));
  for (auto i = first; i <= last; ++i) out.bulk(found->list()[static_cast<std::size_t>(i)]);
}

// -- hashes -------------------------------------------------------------------------------------

template <class Model, class Map>
bool engine<Model, Map>::execute_hash(command_id id, args a, reply_text& out) {
  if (since(id) != 4) return false;
  if (id == command_id::hset) return hset(a, out), true;
  if (id == command_id::hdel) return hdel(a, out), true;
  const auto* found = look_up(a[1]);
  if (found && found->kind() != value_kind::hash) return out.error(errors::wrong_type), true;
  switch (id) {
  case command_id::hget: {
    const auto text = found ? found->hash().find(a[2]) : std::nullopt;
    if (text) out.bulk(*text);
    else out.nil();
    return true;
  }
  case command_id::hexists:
    return out.integer(found && found->hash().find(a[2])), true;
  case command_id::hlen:
    return out.integer(found ? static_cast<std::int64_t>(found->hash().size()) : 0), true;
  case command_id::hgetall:
    if (!found) return out.array(0), true;
    out.array(found->hash().size() * 2);
    found->hash().for_each([&](std::string_view name, std::string_view text) {
      out.bulk(name);
      out.bulk(text);
    });
    return true;
  default:
    return false;
  }
}

template <class Model, class Map>
void engine<Model, Map>::hset(args a, reply_text& out) {
  if (a.size() % 2 != 0) return wrong_arguments(a, out);
  std::size_t bytes = 0;
  for (const auto text : a.subspan(2)) bytes += text.size() + element_bytes;
  if (const auto* found = look(a[1])) {
    if (found->kind() != value_kind::hash) return out.error(errors::wrong_type);
    bytes += found->hash().bytes();
  }
  if (!fits(bytes, out)) return;
  auto [v, fresh] = make(a[1]);
  auto& hash = fresh ? v.make_hash() : v.hash();
  std::int64_t added = 0;
  for (std::size_t i = 2; i < a.size(); i += 2) added += hash.set(a[i], a[i + 1]);
  out.integer(added);
}

template <class Model, class Map>
void engine<Model, Map>::hdel(args a, reply_text& out) {
  auto* found = edit(a[1]);
  if (!found) return out.integer(0);
  if (found->kind() != value_kind::hash) return out.error(errors::wrong_type);
  std::int64_t erased = 0;
  for (const auto name : a.subspan(2)) erased += found->hash().erase(name);
  if (found->hash().size() == 0) map_.erase(a[1]);
  out.integer(erased);
}

} // namespace instar::kv

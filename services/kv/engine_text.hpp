#pragma once

// Part of engine.hpp: commands on texts.

#include "services/kv/engine.hpp"

namespace instar::kv {

template <class Model, class Map>
bool engine<Model, Map>::execute_text(command_id id, args a, reply_text& out) {
  switch (id) {
  case command_id::incr:
    return add(a[1], 1, out), true;
  case command_id::decr:
    return add(a[1], -1, out), true;
  case command_id::incrby:
    return add_given(a, false, out), true;
  case command_id::decrby:
    return add_given(a, true, out), true;
  case command_id::mget:
    return mget(a, out), true;
  case command_id::mset:
    return mset(a, out), true;
  case command_id::setnx:
    return setnx(a, out), true;
  case command_id::setex:
    return setex(a, out, 1000), true;
  case command_id::psetex:
    return setex(a, out, 1), true;
  case command_id::getset:
    return getset(a, out), true;
  case command_id::getdel:
    return getdel(a, out), true;
  case command_id::append:
    return append(a, out), true;
  case command_id::strlen:
    return strlen(a, out), true;
  default:
    return false;
  }
}

template <class Model, class Map>
void engine<Model, Map>::get(std::string_view key, reply_text& out) {
  const auto* found = look_up(key);
  if (!found) return out.nil();
  if (found->kind() != value_kind::text) return out.error(errors::wrong_type);
  text_room room;
  out.bulk(found->text(room));
}

template <class Model, class Map>
bool engine<Model, Map>::write_old(std::string_view key, reply_text& out) {
  const auto* found = look_up(key);
  if (found && found->kind() != value_kind::text) {
    out.error(errors::wrong_type);
    return false;
  }
  text_room room;
  if (found) out.bulk(found->text(room));
  else out.nil();
  return true;
}

template <class Model, class Map>
void engine<Model, Map>::store(std::string_view key, std::string_view text, std::int64_t expires) {
  auto& v = map_.try_emplace(key).first;
  v.set(text);
  if constexpr (value::expiry)
    if (expires != 0) {
      v.expire_at(expires);
      entries_came();
    }
}

template <class Model, class Map>
void engine<Model, Map>::set(args a, reply_text& out) {
  if (!fits(a[2].size(), out)) return;
  if (a.size() == 3) {
    store(a[1], a[2], 0);
    return out.ok();
  }
  set_options options;
  if (!read_options(a, options, out)) return;
  const bool present = look(a[1]) != nullptr;
  if (options.old_value && !write_old(a[1], out)) return;
  if ((options.if_absent && present) || (options.if_present && !present)) {
    if (!options.old_value) out.nil();
    return;
  }
  if constexpr (value::expiry)
    if (options.keep_expiry && present) options.expires = look(a[1])->expires();
  store(a[1], a[2], options.expires);
  if (!options.old_value) out.ok();
}

template <class Model, class Map>
bool engine<Model, Map>::read_options(args a, set_options& options, reply_text& out) {
  const auto wrong = [&](std::string_view what) {
    out.error(what);
    return false;
  };
  bool timed = false;
  for (std::size_t i = 3; i < a.size(); ++i) {
    const auto o = a[i];
    if (is(o, "nx")) options.if_absent = true;
    else if (is(o, "xx")) options.if_present = true;
    else if (is(o, "get")) options.old_value = true;
    else if (value::expiry && is(o, "keepttl")) options.keep_expiry = true;
    else if (value::expiry && i + 1 < a.size() && !timed &&
             (is(o, "ex") || is(o, "px") || is(o, "exat") || is(o, "pxat"))) {
      timed = true;
      const bool relative = o.size() == 2;
      const std::int64_t unit = (o[0] | 0x20) == 'e' ? 1000 : 1;
      std::int64_t given;
      if (!parse_integer(a[++i], given)) return wrong(errors::not_integer);
      if (given <= 0 || !expire_time(a[i], unit, relative, options.expires))
        return wrong("ERR invalid expire time in 'set' command");
    } else {
      return wrong(errors::syntax);
    }
  }
  if ((options.if_absent && options.if_present) || (timed && options.keep_expiry))
    return wrong(errors::syntax);
  return true;
}

template <class Model, class Map>
void engine<Model, Map>::setnx(args a, reply_text& out) {
  if (!fits(a[2].size(), out)) return;
  if (look(a[1])) return out.integer(0);
  store(a[1], a[2], 0);
  out.integer(1);
}

template <class Model, class Map>
void engine<Model, Map>::setex(args a, reply_text& out, std::int64_t unit) {
  std::int64_t given, when;
  if (!fits(a[3].size(), out)) return;
  if (!parse_integer(a[2], given)) return out.error(errors::not_integer);
  if (given <= 0 || !expire_time(a[2], unit, true, when))
    return out.error("ERR invalid expire time in '", unit == 1 ? "psetex" : "setex", "' command");
  store(a[1], a[3], when);
  out.ok();
}

template <class Model, class Map>
void engine<Model, Map>::getset(args a, reply_text& out) {
  if (!fits(a[2].size(), out) || !write_old(a[1], out)) return;
  store(a[1], a[2], 0);
}

template <class Model, class Map>
void engine<Model, Map>::getdel(args a, reply_text& out) {
  if (write_old(a[1], out)) map_.erase(a[1]);
}

template <class Model, class Map>
void engine<Model, Map>::append(args a, reply_text& out) {
  text_room room;
  if (const auto* found = look(a[1])) {
    if (found->kind() != value_kind::text) return out.error(errors::wrong_type);
    if (!fits(found->text(room).size() + a[2].size(), out)) return;
  } else if (!fits(a[2].size(), out)) {
    return;
  }
  auto& v = make(a[1]).first;
  v.append(a[2]);
  out.integer(static_cast<std::int64_t>(v.text(room).size()));
}

template <class Model, class Map>
void engine<Model, Map>::strlen(args a, reply_text& out) {
  const auto* found = look_up(a[1]);
  if (!found) return out.integer(0);
  if (found->kind() != value_kind::text) return out.error(errors::wrong_type);
  text_room room;
  out.integer(static_cast<std::int64_t>(found->text(room).size()));
}

template <class Model, class Map>
void engine<Model, Map>::add_given(args a, bool negative, reply_text& out) {
  std::int64_t step;
  if (!parse_integer(a[2], step)) return out.error(errors::not_integer);
  if (negative && step == INT64_MIN) return out.error("ERR decrement would overflow");
  add(a[1], negative ? -step : step, out);
}

template <class Model, class Map>
void engine<Model, Map>::add(std::string_view key, std::int64_t step, reply_text& out) {
  std::int64_t number = 0;
  if (const auto* found = look(key)) {
    if (found->kind() != value_kind::text) return out.error(errors::wrong_type);
    if (!found->number(number)) return out.error(errors::not_integer);
  }
  if (__builtin_add_overflow(number, step, &number)) return out.error(errors::overflow);
  make(key).first.assign(number);
  out.integer(number);
}

template <class Model, class Map>
void engine<Model, Map>::mget(args a, reply_text& out) {
  out.array(a.size() - 1);
  for (const auto key : a.subspan(1)) {
    const auto* found = look_up(key);
    text_room room;
    if (!found || found->kind() != value_kind::text || out.size() > limits_.max_reply) out.nil();
    else out.bulk(found->text(room));
  }
}

template <class Model, class Map>
void engine<Model, Map>::mset(args a, reply_text& out) {
  if (a.size() % 2 == 0) return wrong_arguments(a, out);
  for (std::size_t i = 2; i < a.size(); i += 2)
    if (!fits(a[i].size(), out)) return;
  for (std::size_t i = 1; i < a.size(); i += 2) store(a[i], a[i + 1], 0);
  out.ok();
}

} // namespace instar::kv

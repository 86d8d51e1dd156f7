#pragma once

// Part of engine.hpp: commands on the connection and the server.

#include "services/kv/engine.hpp"

namespace instar::kv {

template <class Model, class Map>
bool engine<Model, Map>::execute_server(command_id id, args a, const batch& in, reply_text& out) {
  switch (id) {
  case command_id::ping:
    if (a.size() > 2) wrong_arguments(a, out);
    else if (a.size() == 2) out.bulk(a[1]);
    else out.raw("+PONG\r\n");
    return true;
  case command_id::echo:
    return out.bulk(a[1]), true;
  case command_id::select: {
    std::int64_t index;
    if (!parse_integer(a[1], index)) out.error(errors::not_integer);
    else if (index != 0) out.error("ERR DB index is out of range");
    else out.ok();
    return true;
  }
  case command_id::quit:
    return out.ok(), true;
  case command_id::info:
    return info(out), true;
  case command_id::command:
    return command(a, out), true;
  case command_id::config:
    return config(a, out), true;
  case command_id::client:
    return client(a, in, out), true;
  case command_id::hello:
    return hello(a, out), true;
  default:
    return false;
  }
}

template <class Model, class Map>
void engine<Model, Map>::info(reply_text& out) {
  const auto number = [](auto n) { return std::to_string(n); };
  out.bulk("# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nserver_name:instar\r\n"
           "store_version:" +
           number(Model::version) +
           "\r\nuptime_in_seconds:" + number((now() - counters_.started) / 1000) +
           "\r\n\r\n# Stats\r\ntotal_commands_processed:" + number(counters_.commands) +
           "\r\nexpired_keys:" + number(counters_.expired) +
           "\r\nkeyspace_hits:" + number(counters_.hits) +
           "\r\nkeyspace_misses:" + number(counters_.misses) + "\r\n\r\n# Keyspace\r\n" +
           (map_.size() == 0 ? "" : "db0:keys=" + number(map_.size()) + "\r\n"));
}

/// Enough for clients that ask at their start: they can do without.
template <class Model, class Map>
void engine<Model, Map>::command(args a, reply_text& out) {
  if (a.size() == 1 || is(a[1], "docs") || is(a[1], "list")) return out.array(0);
  if (!is(a[1], "count")) return out.error("ERR unknown subcommand '", a[1].substr(0, 128), "'");
  std::int64_t known = 0;
  for (std::uint16_t id = 2; info_of(static_cast<command_id>(id)).id != command_id::unknown; ++id)
    known += since(static_cast<command_id>(id)) <= Model::version;
  out.integer(known);
}

template <class Model, class Map>
void engine<Model, Map>::config(args a, reply_text& out) {
  if (is(a[1], "resetstat") && a.size() == 2) {
    counters_ = {.started = counters_.started};
    return out.ok();
  }
  if (!is(a[1], "get") || a.size() < 3)
    return out.error("ERR unknown subcommand or wrong number of arguments for '",
                     a[1].substr(0, 128), "'");
  // What programs ask for; nothing of it can be set.
  constexpr std::pair<std::string_view, std::string_view> values[] = {
      {"appendonly", "no"}, {"databases", "1"}, {"maxmemory", "0"}, {"save", ""}};
  found_.clear();
  for (const auto& [name, text] : values)
    for (const auto pattern : a.subspan(2))
      if (glob_match(pattern, name)) {
        found_.insert(found_.end(), {name, text});
        break;
      }
  out.array(found_.size());
  for (const auto text : found_) out.bulk(text);
}

template <class Model, class Map>
void engine<Model, Map>::client(args a, const batch& in, reply_text& out) {
  if (is(a[1], "id")) return out.integer(static_cast<std::int64_t>(in.from()->id()));
  if (is(a[1], "getname")) return out.nil();
  for (const auto tolerated : {"setinfo", "setname", "no-evict", "no-touch"})
    if (is(a[1], tolerated)) return out.ok();
  out.error("ERR unknown subcommand '", a[1].substr(0, 128), "'. Try CLIENT HELP.");
}

/// This server speaks version 2 of the protocol only: a client that wants 3 goes back to it.
template <class Model, class Map>
void engine<Model, Map>::hello(args a, reply_text& out) {
  std::int64_t version = 2;
  if (a.size() > 1 && (!parse_integer(a[1], version) || version != 2))
    return out.error("NOPROTO unsupported protocol version");
  out.array(6);
  for (const std::string_view text : {"server", "instar", "version", "7.0.0", "proto"})
    out.bulk(text);
  out.integer(2);
}

} // namespace instar::kv

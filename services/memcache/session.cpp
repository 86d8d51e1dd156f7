#include "services/memcache/session.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace instar::memcache {

namespace {

constexpr std::string_view bad_format = "CLIENT_ERROR bad command line format\r\n";

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

bool is_key(std::string_view text) { return text.size() <= table::longest_key; }

void split(std::string_view line, std::vector<std::string_view>& into) {
  into.clear();
  for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != line.npos;) {
    const auto end = std::min(line.find(' ', at), line.size());
    into.push_back(line.substr(at, end - at));
    at = end;
  }
}

std::optional<storing> storing_of(std::string_view name) {
  static constexpr std::pair<std::string_view, storing> known[] = {
      {"set", storing::set},       {"add", storing::add},         {"replace", storing::replace},
      {"append", storing::append}, {"prepend", storing::prepend}, {"cas", storing::cas}};
  for (const auto& one : known)
    if (one.first == name) return one.second;
  return std::nullopt;
}

void write_stat(std::string& to, std::string_view name, std::string_view value) {
  to.append("STAT ").append(name).append(" ").append(value).append("\r\n");
}
void write_stat(std::string& to, std::string_view name, std::uint64_t value) {
  write_stat(to, name, std::to_string(value));
}
void write_stat(std::string& to, std::string_view name, const timeval& value) {
  auto fraction = std::to_string(value.tv_usec);
  fraction.insert(0, 6 - fraction.size(), '0');
  write_stat(to, name, std::to_string(value.tv_sec) + "." + fraction);
}

} // namespace

void session::say(std::string_view answer) {
  if (!silent_) output += answer;
}

void session::run(table& on, const dialect& in) {
  std::size_t at = 0;
  while (takes_more()) {
    if (swallow > 0) {
      const auto gone = std::min<std::uint64_t>(swallow, input.size() - at);
      swallow -= gone;
      at += gone;
    }
    const auto rest = std::string_view(input).substr(at);
    const auto end = rest.find('\n');
    if (end == rest.npos || end > longest_line) {
      if (rest.size() <= longest_line) break;
      output += "CLIENT_ERROR line too long\r\n";
      closing = true;
      break;
    }
    auto line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto used = execute(on, in, line, rest.substr(end + 1));
    if (!used) break;
    at += end + 1 + *used;
    if (later_.empty()) continue;
    input.replace(0, at, std::exchange(later_, {}));
    at = 0;
  }
  input.erase(0, at);
}

session::taken session::execute(table& on, const dialect& in, std::string_view line,
                                std::string_view rest) {
  split(line, words_);
  const words all(words_);
  silent_ = all.size() > 1 && all.back() == "noreply";
  if (all.empty()) return say("ERROR\r\n"), 0;
  if (storing_of(all[0])) return store(on, all, rest);
  if (!read(on, in, all, line) && !change(on, all) && !administer(on, in, all)) say("ERROR\r\n");
  return 0;
}

// -- storing ------------------------------------------------------------------------------------

session::taken session::store(table& on, words all, std::string_view rest) {
  const auto how = *storing_of(all[0]);
  const std::size_t count = (how == storing::cas ? 6 : 5) + (silent_ ? 1 : 0);
  if (all.size() != count) return say("ERROR\r\n"), 0;
  std::uint32_t flags = 0;
  std::int64_t exptime = 0, size = 0;
  std::uint64_t cas = 0;
  if (!is_key(all[1]) || !read_number(all[2], flags) || !read_number(all[3], exptime) ||
      !read_number(all[4], size) || (how == storing::cas && !read_number(all[5], cas)) ||
      size < 0 || size > std::int64_t{1} << 40)
    return say(bad_format), 0;
  const auto bytes = static_cast<std::size_t>(size);
  if (bytes > on.item_limit()) {
    if (how == storing::set) on.forget(all[1]); // what it had would be out of date
    say("SERVER_ERROR object too large for cache\r\n");
    const auto here = std::min(rest.size(), bytes + 2);
    swallow = bytes + 2 - here;
    return here;
  }
  if (rest.size() < bytes + 2) return std::nullopt;
  if (rest.substr(bytes, 2) != "\r\n") return say("CLIENT_ERROR bad data chunk\r\n"), bytes + 2;
  switch (on.store(how, all[1], flags, on.expiry(exptime), rest.substr(0, bytes), cas)) {
  case outcome::done:
    say("STORED\r\n");
    break;
  case outcome::exists:
    say("EXISTS\r\n");
    break;
  case outcome::not_found:
    say("NOT_FOUND\r\n");
    break;
  case outcome::too_large:
    say("SERVER_ERROR object too large for cache\r\n");
    break;
  default:
    say("NOT_STORED\r\n");
  }
  return bytes + 2;
}

// -- reading ------------------------------------------------------------------------------------

bool session::read(table& on, const dialect& in, words all, std::string_view line) {
  const auto name = all[0];
  silent_ = silent_ && name != "get" && name != "gets";
  if (name == "get" || name == "gets") {
    if (all.size() < 2) return false;
    get(on, all.subspan(1), line, name == "gets", nullptr);
    return true;
  }
  if (!in.get_and_touch || (name != "gat" && name != "gats")) return false;
  silent_ = false;
  if (all.size() < 3) return false;
  std::int64_t exptime = 0;
  if (!read_number(all[1], exptime)) {
    say("CLIENT_ERROR invalid exptime argument\r\n");
    return true;
  }
  const auto expires = on.expiry(exptime);
  get(on, all.subspan(2), line, name == "gats", &expires);
  return true;
}

void session::get(table& on, words keys, std::string_view line, bool with_cas,
                  const std::int64_t* expires) {
  if (!std::all_of(keys.begin(), keys.end(), is_key)) return say(bad_format);
  const auto write = [&](const table::entry& e) {
    output.append("VALUE ").append(e.key).append(" ").append(std::to_string(e.flags));
    output.append(" ").append(std::to_string(e.value.size()));
    if (with_cas) output.append(" ").append(std::to_string(e.cas));
    output.append("\r\n").append(e.value).append("\r\n");
  };
  const auto command = line.substr(0, static_cast<std::size_t>(keys[0].data() - line.data()));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i > 0 && !takes_more()) { // the client shall read first
      const auto from = static_cast<std::size_t>(keys[i].data() - line.data());
      later_ = std::string(command) + std::string(line.substr(from)) + "\r\n";
      return;
    }
    if (expires) on.get_and_touch(keys[i], *expires, write);
    else on.get(keys[i], write);
  }
  output += "END\r\n";
}

// -- changing -----------------------------------------------------------------------------------

bool session::change(table& on, words all) {
  const auto name = all[0];
  if (name == "delete" && all.size() > 1) erase(on, all);
  else if (name == "incr" && all.size() > 2) count_by(on, all, false);
  else if (name == "decr" && all.size() > 2) count_by(on, all, true);
  else if (name == "touch" && all.size() > 2) touch(on, all);
  else return false;
  return true;
}

void session::erase(table& on, words all) {
  if (all.size() > (silent_ ? 4u : 3u) || (all.size() > 2 && all[2] != "0" && all[2] != "noreply"))
    return say("CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n");
  if (!is_key(all[1])) return say(bad_format);
  say(on.erase(all[1]) ? "DELETED\r\n" : "NOT_FOUND\r\n");
}

void session::count_by(table& on, words all, bool down) {
  if (!is_key(all[1])) return say(bad_format);
  std::uint64_t by = 0, result = 0;
  if (!read_number(all[2], by)) return say("CLIENT_ERROR invalid numeric delta argument\r\n");
  switch (on.count_by(all[1], by, down, result)) {
  case outcome::done:
    return say(std::to_string(result) + "\r\n");
  case outcome::not_found:
    return say("NOT_FOUND\r\n");
  default:
    return say("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
  }
}

void session::touch(table& on, words all) {
  std::int64_t exptime = 0;
  if (!is_key(all[1])) return say(bad_format);
  if (!read_number(all[2], exptime)) return say("CLIENT_ERROR invalid exptime argument\r\n");
  say(on.touch(all[1], on.expiry(exptime)) ? "TOUCHED\r\n" : "NOT_FOUND\r\n");
}

// -- the rest -----------------------------------------------------------------------------------

bool session::administer(table& on, const dialect& in, words all) {
  const auto name = all[0];
  if (name == "version" && all.size() == 1) {
    say("VERSION " + std::string(in.version) + "\r\n");
  } else if (name == "quit") {
    closing = true;
  } else if (name == "flush_all") {
    std::int64_t delay = 0;
    if (all.size() > (silent_ ? 2u : 1u) && !read_number(all[1], delay))
      return say(bad_format), true;
    on.flush(delay == 0 ? 0 : on.expiry(delay));
    say("OK\r\n");
  } else if (name == "verbosity") {
    if (all.size() < 2) return false;
    say("OK\r\n"); // what is logged says the host
  } else if (name == "stats") {
    statistics(on, in, all);
  } else {
    return false;
  }
  return true;
}

void session::statistics(table& on, const dialect& in, words all) {
  if (all.size() > 1 && all[1] == "reset") {
    on.reset_counts();
    return say("RESET\r\n");
  }
  if (all.size() > 1 && all[1] == "settings") {
    write_stat(output, "maxbytes", on.memory_limit());
    write_stat(output, "item_size_max", on.item_limit());
    write_stat(output, "num_threads", on.loops.load());
    write_stat(output, "evictions", "on");
    return say("END\r\n");
  }
  if (all.size() > 1) return say("ERROR\r\n");
  const auto seen = on.look();
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  write_stat(output, "pid", static_cast<std::uint64_t>(::getpid()));
  write_stat(output, "uptime", static_cast<std::uint64_t>(on.now() - on.started));
  write_stat(output, "time", static_cast<std::uint64_t>(on.now()));
  write_stat(output, "version", in.version);
  write_stat(output, "pointer_size", sizeof(void*) * 8);
  write_stat(output, "rusage_user", used.ru_utime);
  write_stat(output, "rusage_system", used.ru_stime);
  write_stat(output, "curr_connections", on.connections());
  write_stat(output, "total_connections", on.connections_ever());
  for (std::size_t i = 0; i < seen.counted.size(); ++i)
    write_stat(output, to_string(static_cast<count>(i)), seen.counted[i]);
  write_stat(output, "bytes_read", on.bytes_read.load());
  write_stat(output, "bytes_written", on.bytes_written.load());
  write_stat(output, "limit_maxbytes", on.memory_limit());
  write_stat(output, "threads", on.loops.load());
  write_stat(output, "bytes", seen.bytes);
  write_stat(output, "curr_items", seen.items);
  say("END\r\n");
}

} // namespace instar::memcache

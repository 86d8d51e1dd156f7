#pragma once

#include "sanitizers.hpp"
#include "services/site.hpp"

#include <map>
#include <string>
#include <vector>

namespace instar::test {

/// A graph as in the files of apps/http, and which instances of its operators.
struct arrangement {
  int load = 1, reply = 1; ///< versions; `load` 2 needs `reply` 2
  int cache = 0;           ///< version; 0 = there is none
  bool log = false;        ///< an access log
  std::map<std::string, int> times =
      {};                           ///< how often an operator was exchanged for another of its type
  std::string listens = "port = 0"; ///< settings of `accept`
  int max_connections = 1000;
  std::string gate_after = {}; ///< where a gate is; after `cache` on the way to `load`
  std::string gate = {};       ///< settings of it, each with a comma before it
};

/// The service as it becomes one arrangement after the other.
class stage {
public:
  explicit stage(site_settings settings = {}) : s(std::move(settings)) {}

  site s;
  arrangement now;

  /// Applies `next`, which is remembered if it was committed.
  history_entry become(arrangement next, std::chrono::nanoseconds deadline = 60s) {
    return become_later(std::move(next), deadline).get();
  }
  std::future<history_entry> become_later(arrangement next,
                                          std::chrono::nanoseconds deadline = 60s) {
    auto wanted = graph_of(next);
    return std::async(std::launch::async, [this, next = std::move(next), deadline,
                                           wanted = std::move(wanted)]() mutable {
      auto done = s.apply(std::move(wanted), deadline);
      if (done.outcome == transition_outcome::committed) now = std::move(next);
      return done;
    });
  }
  /// Each by another instance of its type, all at the same epoch.
  arrangement exchanged(const std::vector<std::string>& names) const {
    auto next = now;
    for (const auto& name : names) ++next.times[name];
    return next;
  }
  void exchange(const std::vector<std::string>& names) { must(exchanged(names)); }
  void must(arrangement next) {
    const auto done = become(std::move(next));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }

  /// Those that are there now, from the source on.
  std::vector<std::string> operators() const {
    std::vector<std::string> names{"accept", "read", "parse", "load", "compose", "reply"};
    if (now.cache > 0) names.emplace_back("cache");
    if (now.log) names.emplace_back("log");
    return names;
  }

  graph graph_of(const arrangement& of) const {
    const auto count = [&](const char* name) {
      const auto at = of.times.find(name);
      return at == of.times.end() ? 0 : at->second;
    };
    const auto varied = [&](const char* name, int from) {
      return std::to_string(from + count(name));
    };
    const auto log_file = (s.folder() / "access.log").string();
    std::string text = "[graph]\nname = 'http'\nmodules = ['" INSTAR_TEST_MODULES "', '" TEST_GATE
                       "']\narcs = [" +
                       arcs_of(of) + "]\n[operators]\n";
    const auto add = [&](const std::string& name, const std::string& type,
                         const std::string& rest) {
      text += name + " = { type = '" + type + "'" + rest + " }\n";
    };
    add("accept", "net.accept@1",
        ", " + of.listens + ", max_connections = " + std::to_string(of.max_connections) +
            ", max_per_address = " + varied("accept", 50'000));
    add("read", "net.read@1", ", linger_timeout = '" + varied("read", 30) + "s'");
    add("parse", "http.parse@1", ", max_pipelined = " + varied("parse", 64));
    if (of.cache > 0)
      add("cache", "http.cache@" + std::to_string(of.cache),
          ", max_bytes = " + varied("cache", 50'000'000));
    add("load", "http.load@" + std::to_string(of.load),
        ", root = '" + s.folder().string() + "', max_multipart = " + varied("load", 300'000'000));
    add("compose", "http.compose@1", ", retry_after = '" + varied("compose", 1) + "s'");
    if (of.log)
      add("log", "http.log@1",
          ", file = '" + log_file +
              "', flush_every = '5ms', max_waiting = " + varied("log", 5'000'000));
    add("reply", "http.reply@" + std::to_string(of.reply),
        ", write_timeout = '" + varied("reply", 60) + "s'");
    if (!of.gate_after.empty())
      add("gate",
          of.gate_after == "parse" || of.gate_after == "cache" ? "test.request_gate@1"
                                                               : "test.gate@1",
          ", number = " + varied("gate", 1) + of.gate);
    auto file = parse_graph(text, s.folder() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    return std::move(file.content);
  }

private:
  static std::string arcs_of(const arrangement& of) {
    const auto then = [&](const char* name) {
      return std::string(name) + (of.gate_after == name ? " -> gate" : "");
    };
    const auto in = "'" + then("accept") + " -> " + then("read") + " -> " + then("parse");
    const auto end = " -> " + then("compose") + (of.log ? " -> " + then("log") : "") + " -> reply'";
    if (of.cache == 0) return in + " -> " + then("load") + end;
    return in + " -> cache.request', 'cache.miss" + (of.gate_after == "cache" ? " -> gate" : "") +
           " -> load', { chain = 'load -> cache.loaded', feedback = 'hand_over' }, "
           "'cache.response" +
           end;
  }
};

/// The files of apps/http; where everything takes longer, those that differ most.
inline std::vector<std::pair<std::string, arrangement>> graph_files() {
  std::vector<std::pair<std::string, arrangement>> all{{"http-nio.toml", {.load = 2, .reply = 2}},
                                                       {"http-cache.toml", {.cache = 1}}};
  if (address_sanitizer) return all;
  all.emplace_back("http.toml", arrangement{});
  all.emplace_back("http-log.toml", arrangement{.log = true});
  return all;
}

/// One answer, interim ones too.
struct answered {
  int status = 0;
  std::string head, body;
};

/// Reads the answers of a connection one by one; blocks.
class answers {
public:
  explicit answers(const client& from) : from_(from) {}

  /// Status 0 if the connection ends before.
  answered next(bool to_head = false) {
    answered one;
    std::size_t end = 0;
    while ((end = ahead_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return one;
    one.head = ahead_.substr(0, end + 4);
    ahead_.erase(0, end + 4);
    const auto status = status_of(one.head);
    const auto at = one.head.find("Content-Length: ");
    if (at != std::string::npos && !to_head && status != 304) {
      const auto size = std::stoul(one.head.substr(at + 16));
      while (ahead_.size() < size)
        if (!more()) return one;
      one.body = ahead_.substr(0, size);
      ahead_.erase(0, size);
    }
    one.status = status;
    return one;
  }
  /// The head of the next answer; of its body so far what `take` gives.
  std::string head() {
    std::size_t end = 0;
    while ((end = ahead_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return {};
    auto text = ahead_.substr(0, end + 4);
    ahead_.erase(0, end + 4);
    return text;
  }
  /// At most `most` bytes of a body; empty if the connection ended.
  std::string take(std::size_t most) {
    if (ahead_.empty() && !more()) return {};
    auto part = ahead_.substr(0, most);
    ahead_.erase(0, part.size());
    return part;
  }

private:
  bool more() {
    const auto n = ::recv(from_.fd(), block_, sizeof block_, 0);
    if (n > 0) ahead_.append(block_, static_cast<std::size_t>(n));
    return n > 0;
  }

  const client& from_;
  std::string ahead_;
  char block_[65536];
};

} // namespace instar::test

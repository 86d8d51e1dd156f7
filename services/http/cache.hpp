#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "cache_state.capnp.h"
#include "services/http/request.hpp"
#include "services/http/response.hpp"
#include "services/net/reactor.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace instar::http {

/// Answers what it has answered before from memory, and passes the rest on: `miss` leads to who
/// loads, whose answers come back to `loaded` (a feedback arc).
///
/// Answers of one connection stay in the order of its requests: while one of them is with who
/// loads, the next ones go there too. Kept are bodies up to `max_body` of answers with status 200
/// that were made here, not of those that somebody else gave (`response::passed`); the least
/// recently used ones go first, and none is used for longer than `max_age`. Clients that
/// take gzip have entries of their own. Conditions and ranges are answered from what is kept.
///
/// What the versions share; they differ in what they keep.
class cache : public operator_base {
public:
  static constexpr in_port<request> asked{0, "request"};
  static constexpr in_port<response> loaded{1, "loaded"};
  static constexpr out_port<response> out{0, "response", response::payload_name, 1};
  static constexpr out_port<request> miss{1, "miss"};
  static constexpr std::uint64_t state_schema = capnp::typeId<CacheState>();
  static constexpr std::uint32_t state_version = 1;
  static constexpr setting_type max_bytes_setting{"max_bytes", setting_kind::size, "64MiB", false,
                                                  "of all bodies that are kept"};
  static constexpr setting_type max_body_setting{"max_body", setting_kind::size, "1MiB", false,
                                                 "of one body"};
  static constexpr setting_type max_age_setting{"max_age", setting_kind::duration, "1s", false,
                                                "after which a file is loaded again"};

  void on_start(context& ctx) final;
  void on_packet(context& ctx, std::size_t port, packet p) final;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  explicit cache(const settings& values);

private:
  using clock = std::chrono::steady_clock;

  struct entry {
    std::string target; // or rather `key_of` the request
    response_fields fields;
    payload_ptr<net::buffer> body; // null if empty
    clock::time_point loaded_at;

    std::size_t cost() const;
  };
  using entry_list = std::list<entry>; // most recently used first

  /// A request that is with who loads.
  struct open_miss {
    std::uint64_t connection = 0;
    std::string target;
    clock::time_point since;
  };

  /// Whether the answer for this target, asked for now, is worth keeping.
  virtual bool admits(std::string_view target) = 0;

  void on_request(context& ctx, packet p);
  payload_ptr<response> answer(payload_ptr<request> asked, const entry& from) const;
  void on_loaded(context& ctx, packet p);
  entry* find(std::string_view target);
  void keep(std::string target, const response& answer);
  void insert(entry e);
  void drop(entry_list::iterator at);
  void forget_lost();
  void close(std::unordered_map<std::uint64_t, open_miss>::iterator at);

  const std::size_t max_bytes_, max_body_;
  const std::chrono::nanoseconds max_age_;
  entry_list entries_;
  std::unordered_map<std::string_view, entry_list::iterator> by_target_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::uint64_t, open_miss> open_;
  std::unordered_map<std::uint64_t, std::uint32_t> open_of_; // by connection
  std::uint64_t last_miss_ = 0;
  clock::time_point looked_for_lost_;
  net::reactor* sockets_ = nullptr;
  mutable std::vector<net::shelf::ticket> handed_over_;
};

/// Keeps everything that fits.
class cache_v1 final : public cache {
public:
  static constexpr operator_type type{"http.cache",
                                      1,
                                      "keeps answers in memory",
                                      {asked, loaded},
                                      {out, miss},
                                      state_schema,
                                      state_version,
                                      {max_bytes_setting, max_body_setting, max_age_setting}};

  explicit cache_v1(const settings& values) : cache(values) {}

private:
  bool admits(std::string_view) override { return true; }
};

/// Keeps what is asked for a second time, so that a walk over all files displaces nothing.
class cache_v2 final : public cache {
public:
  static constexpr operator_type type{"http.cache",
                                      2,
                                      "keeps answers in memory that are asked for twice",
                                      {asked, loaded},
                                      {out, miss},
                                      state_schema,
                                      state_version,
                                      {max_bytes_setting, max_body_setting, max_age_setting}};

  explicit cache_v2(const settings& values) : cache(values), seen_(filter_size) {}

private:
  static constexpr std::size_t filter_size = 1 << 16;

  bool admits(std::string_view target) override;

  std::vector<bool> seen_; // by hash; a collision admits too early, which does no harm
  std::size_t marked_ = 0;
};

} // namespace instar::http

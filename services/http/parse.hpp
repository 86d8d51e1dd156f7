#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "parse_state.capnp.h"
#include "services/http/head.hpp"
#include "services/http/request.hpp"
#include "services/http/skip_body.hpp"
#include "services/net/chunk.hpp"
#include "services/net/reactor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace instar::http {

/// Turns the bytes of each connection into requests, in their order. A request that cannot be
/// served goes on as one that has to be refused, so that its answer keeps its place too.
///
/// A body is taken before its request goes on, so that one which is malformed, too long or too slow
/// is refused by the one answer that the request gets. It is thrown away, unless somebody wants to
/// pass requests on (`whole`).
///
/// State: the bytes of requests that are not complete, so that a request may arrive byte by byte
/// while the operator is updated. A connection with too many unanswered requests is paused.
class parse final : public operator_base {
public:
  static constexpr in_port<net::chunk> in{0, "chunk"};
  static constexpr out_port<request> out{0, "request"};
  static constexpr operator_type type{
      "http.parse",
      1,
      "parses HTTP/1.x requests",
      {in},
      {out},
      capnp::typeId<ParseState>(),
      1,
      {{"max_head", setting_kind::size, "16KiB", false, "longest request head; 431 beyond"},
       {"max_target", setting_kind::size, "4KiB", false, "longest request target; 414 beyond"},
       {"max_body", setting_kind::size, "64KiB", false, "longest request body; 413 beyond"},
       {"max_pipelined", setting_kind::integer, "64", false,
        "unanswered requests of one connection before it is paused"},
       {"whole", setting_kind::boolean, "false", false,
        "keeps heads and bodies, and takes every method, for who passes requests on"},
       {"head_timeout", setting_kind::duration, "30s", false,
        "for a request's head, from its first byte on; 408 beyond"},
       {"body_timeout", setting_kind::duration, "60s", false, "for a request's body; 408 beyond"}}};

  explicit parse(const settings& values);

  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_start(context& ctx) override;
  void on_events(context& ctx, std::span<event> events) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  void on_activation_end(context& ctx) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  /// What is known of a connection between two chunks.
  struct partial {
    std::string bytes;
    body_skipper body;
    std::string head;        // of the request whose body is taken
    std::string kept;        // of that body, if it is kept
    bool keeps = false;      // all of it
    std::uint32_t since = 0; // when that, or what is in `bytes`, began to arrive
    std::uint64_t began = 0; // when the request's first byte was seen, more exactly; 0 = not yet
    bool ended = false;
    net::lease paused; // held while it is

    bool idle() const { return bytes.empty() && !body.open() && !paused; }
  };
  using partial_map = std::unordered_map<std::uint64_t, partial>;
  enum class body_end { complete, open, refused };

  void on_end(const net::connection& of);
  std::string_view take(context& ctx, const payload_ptr<net::connection>& from,
                        std::string_view text, std::size_t fresh, partial& about);
  body_end take_body(context& ctx, const payload_ptr<net::connection>& from, std::string_view& text,
                     partial& about);
  void keep(partial& about, std::string_view piece) const;
  bool take_head(context& ctx, const payload_ptr<net::connection>& from, std::string_view& text,
                 std::size_t length, partial& about);
  bool emit_request(context& ctx, const payload_ptr<net::connection>& from, const parsed_head& head,
                    std::uint64_t began, std::string_view whole = {}, std::string_view body = {});
  void refuse(context& ctx, const payload_ptr<net::connection>& from, std::uint16_t status,
              std::uint64_t began);
  std::uint64_t now();
  std::uint64_t take_began(partial& about);
  void look_later(context& ctx);

  const head_limits limits_;
  const bool whole_;
  const std::uint32_t max_open_;
  const std::uint32_t head_seconds_, body_seconds_;
  partial_map partials_;
  bool sweeps_ = false;   // a timer is set
  std::uint64_t now_ = 0; // of this activation, once it was asked for
};

} // namespace instar::http

#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "parse_state.capnp.h"
#include "services/http/head.hpp"
#include "services/http/request.hpp"
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
       {"max_body", setting_kind::size, "64KiB", false,
        "longest request body that is skipped; 413 beyond"},
       {"max_pipelined", setting_kind::integer, "64", false,
        "unanswered requests of one connection before it is paused"}}};

  explicit parse(const settings& values);

  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_events(context& ctx, std::span<event> events) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  /// What is known of a connection between two chunks.
  struct partial {
    std::string bytes;
    std::uint64_t skip = 0;
    bool ended = false;
    net::lease paused; // held while it is
  };

  void on_end(const net::connection& of);
  std::string_view take(context& ctx, const payload_ptr<net::connection>& from,
                        std::string_view text, std::size_t fresh, partial& about);
  bool emit_request(context& ctx, const payload_ptr<net::connection>& from,
                    const parsed_head& head);
  void refuse(context& ctx, const payload_ptr<net::connection>& from, std::uint16_t status);

  const head_limits limits_;
  const std::uint32_t max_open_;
  std::unordered_map<std::uint64_t, partial> partials_;
};

} // namespace instar::http

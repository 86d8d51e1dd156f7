#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "kv_parse_state.capnp.h"
#include "services/kv/batch.hpp"
#include "services/kv/lanes.hpp"
#include "services/kv/resp.hpp"
#include "services/net/chunk.hpp"
#include "services/net/reactor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace instar::kv {

/// Turns the bytes of each connection into batches of commands: all complete ones of a chunk are
/// one batch for each store that has to do with them. Bytes that are no commands are answered with
/// what is wrong, and end the connection.
///
/// State: the bytes of commands that are not complete. A connection with too many unanswered
/// batches is paused.
class parse final : public operator_base {
public:
  static constexpr in_port<net::chunk> in{0, "chunk"};
  static constexpr out_port<batch> out{0, "batch"};
  static constexpr operator_type type{
      "kv.parse",
      1,
      "parses RESP2 commands",
      {in},
      {out},
      capnp::typeId<ParseState>(),
      1,
      {{"max_bulk", setting_kind::size, "64MiB", false, "longest argument of a command"},
       {"max_command", setting_kind::size, "128MiB", false, "longest command"},
       {"max_args", setting_kind::integer, "1048576", false, "arguments of a command"},
       {"max_inline", setting_kind::size, "64KiB", false, "longest command given as a line"},
       {"max_open", setting_kind::integer, "64", false,
        "unanswered batches of one connection before it is paused"}}};

  explicit parse(const settings& values);

  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_events(context& ctx, std::span<event> events) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  /// What is known of a connection between two chunks.
  struct partial {
    explicit partial(const resp_limits& limits) : parser(limits) {}
    std::string bytes; // never short enough to lie within the object: commands view it
    request_parser parser;
    bool ended = false;
    net::lease paused; // held while it is
  };

  void on_end(const net::connection& of);
  void take_all(context& ctx, const payload_ptr<net::connection>& from, partial& about);
  bool cut(context& ctx, const payload_ptr<net::connection>& from, std::string_view text,
           request_parser& parser);
  void emit(context& ctx, const payload_ptr<net::connection>& from, payload_ptr<payload> bytes,
            bool ends);
  void complain(context& ctx, const payload_ptr<net::connection>& from, const std::string& what);
  static void keep(partial& about, std::string_view bytes);

  const resp_limits limits_;
  const std::uint32_t max_open_;
  std::unordered_map<std::uint64_t, partial> partials_;
  lane_sorter sorted_; // the commands of one turn
  std::string decoded_;
  bool quit_ = false; // one of them ends the connection
};

} // namespace instar::kv

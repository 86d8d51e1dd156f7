#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "merge_state.capnp.h"
#include "services/http/response.hpp"
#include "services/net/reactor.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::proxy {

/// Joins the answers that were made here and those that came from upstream into one flow, in which
/// those of each connection have the order of its requests, as `cond` has numbered them.
///
/// State: answers that came before their turn. Their number is bounded by what a connection may
/// have asked without an answer (`http.parse`, `max_pipelined`), and what they take of memory by
/// `max_early`: a connection with more is broken off.
class merge final : public operator_base {
public:
  static constexpr in_port<http::response> local{0, "local"};
  static constexpr in_port<http::response> upstream{1, "upstream"};
  static constexpr out_port<http::response> out{0, "response"};
  static constexpr operator_type type{"proxy.merge",
                                      1,
                                      "brings answers into the order of their requests",
                                      {local, upstream},
                                      {out},
                                      capnp::typeId<MergeState>(),
                                      1,
                                      {{"max_early", setting_kind::size, "16MiB", false,
                                        "of bodies in memory that wait for answers before them, "
                                        "of one connection; those with more are broken off"}}};

  explicit merge(const settings& values) : most_early_(values.size("max_early")) {}

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  using early = std::map<std::uint32_t, packet>; // by turn

  void hold(context& ctx, std::uint32_t turn, packet p);
  void look_later(context& ctx);

  const std::uint64_t most_early_;
  std::unordered_map<std::uint64_t, early> held_; // by connection
  bool sweeps_ = false;                           // a timer is set
  net::reactor* sockets_ = nullptr;
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::proxy

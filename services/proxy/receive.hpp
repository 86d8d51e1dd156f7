#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "receive_state.capnp.h"
#include "services/proxy/answer_reader.hpp"
#include "services/proxy/exchange.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace instar::proxy {

/// Reads the answers to questions that were sent, and gives each back with its connection.
///
/// An answer goes on when all of it is there, so that what breaks off half-way becomes a 502 and no
/// half answer, and a slow client keeps no upstream connection. Bodies beyond `memory` lie in files
/// without names in `folder`, of at most `max_body` each.
///
/// State: how far each answer has come.
class receive final : public operator_base {
public:
  static constexpr answer_port<exchange, exchange> serves{{0, "exchange"}, {0, "done"}};
  static constexpr operator_type type{
      "proxy.receive",
      1,
      "reads the answers of upstream servers",
      {serves.asked},
      {serves.answer},
      capnp::typeId<ReceiveState>(),
      1,
      {{"timeout", setting_kind::duration, "60s", false, "without a byte of an answer; 504 beyond"},
       {"max_head", setting_kind::size, "64KiB", false, "of an answer; 502 beyond"},
       {"max_body", setting_kind::size, "1GiB", false, "of an answer; 502 beyond"},
       {"memory", setting_kind::size, "256KiB", false, "longer bodies go into a file"},
       {"folder", setting_kind::path, "/tmp", false, "where those files are made"}}};

  explicit receive(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_events(context& ctx, std::span<event> events) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  struct reading {
    std::uint64_t request = 0; // of the framework, under which it was given to us
    payload_ptr<exchange> what;
    answer_reader reader;
    std::uint32_t since = 0; // when it was given to us
    std::uint32_t moved = 0; // when the last byte came
  };
  using reading_map = std::unordered_map<std::uint64_t, reading>; // by connection
  static constexpr std::size_t read_size = 64 * 1024;

  void read_some(context& ctx, std::uint64_t connection);
  void ended(context& ctx, reading_map::iterator at);
  void fail(context& ctx, reading_map::iterator at, std::uint16_t status);
  void give_back(context& ctx, reading_map::iterator at, exchange::outcome how,
                 payload_ptr<http::response> answer);
  void look_later(context& ctx);

  const std::uint32_t seconds_;
  const answer_limits limits_;
  const std::size_t memory_;
  const std::filesystem::path folder_;
  reading_map open_;
  bool sweeps_ = false; // a timer is set
  net::reactor* sockets_ = nullptr;
  std::unique_ptr<char[]> scratch_ = std::make_unique_for_overwrite<char[]>(read_size);
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::proxy

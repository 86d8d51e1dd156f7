#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "send_state.capnp.h"
#include "services/proxy/exchange.hpp"
#include "services/proxy/pool.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::proxy {

/// Writes questions to upstream servers over pooled connections, and has `receive` read the
/// answers.
///
/// A server that cannot be reached is left out for a while and the next one is asked. A question
/// that came to nothing on a connection that had been used before, and so may have been closed
/// meanwhile, is asked once more on a fresh one, if that can do no harm. With all connections in
/// use questions wait.
///
/// State: idle connections, questions that wait or are half written, and which are out.
class send final : public operator_base {
public:
  static constexpr answer_port<question, http::response> serves{{0, "question"}, {0, "answer"}};
  static constexpr request_port<exchange, exchange> reads{{1, "exchange"}, {1, "done"}};
  static constexpr operator_type type{
      "proxy.send",
      1,
      "writes requests to upstream servers",
      {serves.asked, reads.told},
      {serves.answer, reads.ask},
      capnp::typeId<SendState>(),
      1,
      {{"upstream", setting_kind::text, "", true, "HOST:PORT, several with spaces between"},
       {"connections", setting_kind::integer, "64", false, "to each server at a time"},
       {"max_waiting", setting_kind::integer, "1024", false,
        "requests that wait for a connection; 503 beyond"},
       {"connect_timeout", setting_kind::duration, "5s", false,
        "until the next server is tried; 504 beyond the last"},
       {"write_timeout", setting_kind::duration, "60s", false,
        "without a byte of the request taken; 504 beyond"},
       {"idle_timeout", setting_kind::duration, "30s", false,
        "an unused connection is kept for so long"},
       {"fail_timeout", setting_kind::duration, "10s", false,
        "a server that failed is asked last for so long"}}};

  /// Looks names up, so it may block. Throws if one cannot be found.
  explicit send(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet answer) override;
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override;
  void on_events(context& ctx, std::span<event> events) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  enum class phase : std::uint8_t { waiting, connecting, writing, reading };

  /// A question that has no answer yet.
  struct job {
    std::uint64_t request = 0; // of the framework, under which we were asked
    payload_ptr<question> asked;
    send::phase phase = phase::waiting;
    std::size_t server = 0; // unless it waits
    net::lease link;        // while it connects or is written
    std::uint64_t sent = 0;
    bool used_before = false;   // the connection
    bool fresh_only = false;    // it was tried on one that had been used
    pool::server_set tried;     // in vain
    std::uint16_t status = 502; // if nobody is left
    std::uint32_t since = 0;
    std::uint32_t moved = 0; // when the connection last did something
  };
  using job_map = std::unordered_map<std::uint64_t, job>; // by token

  void begin(context& ctx, std::uint64_t token);
  bool connect(context& ctx, std::uint64_t token, job& of);
  void go_on(context& ctx, std::uint64_t token);
  void write(context& ctx, std::uint64_t token, job& of);
  void hand_to_reader(context& ctx, std::uint64_t token, job& of);
  void failed(context& ctx, std::uint64_t token, std::uint16_t status);
  void in_vain(job& of);
  void drop_link(job& of);
  void silent(context& ctx, std::uint64_t token, job& of);
  void answer(context& ctx, std::uint64_t token, payload_ptr<http::response> with);
  void begin_waiting(context& ctx);
  void give_up(context& ctx);
  void look_later(context& ctx);

  const std::size_t max_waiting_;
  const std::uint32_t connect_seconds_, write_seconds_;
  pool pool_;
  job_map jobs_;
  std::uint64_t last_token_ = 0;
  std::deque<std::uint64_t> waiting_;                        // tokens, oldest first
  std::unordered_map<std::uint64_t, std::uint64_t> by_link_; // tokens of those with a link
  bool sweeps_ = false;                                      // a timer is set
  net::reactor* sockets_ = nullptr;
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::proxy

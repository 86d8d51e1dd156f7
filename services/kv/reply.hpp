#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "kv_reply_state.capnp.h"
#include "services/kv/batch.hpp"
#include "services/net/outbox.hpp"
#include "services/net/shelf.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::kv {

/// Answers to a batch on their way out.
struct outgoing {
  payload_ptr<replies> what;
  std::uint64_t sent = 0;

  std::uint64_t size() const { return what->text().size(); }
  bool complete() const { return sent == size(); }
  bool last() const { return what->place().last; }
};

/// Writes answers to sockets, many with one call.
struct writer {
  net::write_progress write(int socket, std::span<outgoing> queue);
};

/// Writes the answers of each connection in the order of its commands, in whatever order the stores
/// have answered, and puts together what several stores have answered parts of.
///
/// State: answers that wait for slow readers, or for others before them.
class reply final : public operator_base {
public:
  static constexpr in_port<replies> in{0, "replies"};
  static constexpr operator_type type{"kv.reply",
                                      1,
                                      "writes the answers to commands",
                                      {in},
                                      {},
                                      capnp::typeId<ReplyState>(),
                                      1,
                                      {{"max_unread", setting_kind::size, "256MiB", false,
                                        "a connection that leaves more answers unread is closed"}}};

  explicit reply(const settings& values) : out_(writer(), values.size("max_unread")) {}

  void on_start(context& ctx) override { out_.start(ctx); }
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_events(context& ctx, std::span<event> events) override { out_.writable(ctx, events); }
  void on_activation_end(context& ctx) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  /// Of one connection, by turn.
  using turn_map = std::map<std::uint32_t, std::vector<payload_ptr<replies>>>;

  void send(context& ctx, payload_ptr<replies> what);
  void hold(payload_ptr<replies> what);
  void release(context& ctx, const net::connection& to);
  void forget_lost();

  net::outbox<outgoing, writer> out_;
  std::unordered_map<std::uint64_t, turn_map> held_;
  unsigned activations_ = 0; // in which something was held
  mutable std::vector<net::shelf::ticket> handed_over_;
};

} // namespace instar::kv

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "lines.capnp.h"
#include "services/blocking/listening.hpp"

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::blocking {

/// Clients that send lines and get lines, served by one thread in `poll`: for operators that answer
/// questions about a service. Listens by itself.
///
/// Lines of a client are given one after the other. Bounded: clients, a line, what a client does
/// not read (its lines wait then, and it is cut off if it is told more all the same).
class line_server {
public:
  static constexpr std::size_t most_clients = 1024;
  static constexpr std::size_t longest_line = 4096;
  static constexpr std::size_t most_output = 64 * 1024;
  static constexpr std::size_t most_told = 16 * most_output;

  struct client {
    std::uint64_t number = 0;
    std::shared_ptr<descriptor> at;
    std::string input, output;
    bool closing = false; ///< once `output` is sent
    bool ended = false;   ///< sends no more
    bool waits = false;   ///< its next line waits for an answer to the last
    bool marked = false;  ///< what that means is up to the operator

    void say(std::string_view line) { output.append(line).append("\r\n"); }
  };
  /// A line of a client, without its end.
  using on_line = std::function<void(client&, std::string_view)>;

  /// Settings of the type: `address`, `port`.
  explicit line_server(const settings& values) : listening_(values) {}

  /// From the operator's `claim`. Throws `std::runtime_error` saying what to do if it cannot
  /// listen.
  void claim(context& ctx) { listening_.claim(ctx); }
  /// From `run`: before the first turn.
  void take_leaving(blocking_context& ctx);

  /// Serves whoever can be served; then waits for clients, a packet, or the time. Returns whether
  /// `receive` would not wait. Throws `interrupted`, with nothing lost.
  bool turn(blocking_context& ctx, const on_line& take,
            std::optional<std::chrono::steady_clock::time_point> until = {});

  /// By number; null if it has gone.
  client* find(std::uint64_t number);
  /// All of them.
  std::map<std::uint64_t, client>& clients() { return clients_; }

  void save(LineClients::Builder into, save_purpose purpose) const;
  void restore(descriptors& all, LineClients::Reader from);

private:
  void accept_all(blocking_context& ctx);
  void add(descriptors& all, int fd);
  void take_lines(const on_line& take);
  static bool may_go_on(const client& c);
  static bool receive(client& c);
  static bool send(client& c);
  static bool is_over(const client& c);

  listening listening_;
  std::map<std::uint64_t, client> clients_; // by number
  std::uint64_t last_ = 0;
  std::vector<pollfd> polled_;
};

} // namespace instar::blocking

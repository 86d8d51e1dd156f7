#pragma once

#include "services/net/reactor.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::proxy {

/// How upstream servers are used.
struct pool_options {
  std::size_t connections = 64; ///< to each at a time, used or not
  std::uint32_t idle_seconds = 30;
  std::uint32_t fail_seconds = 10; ///< a server that failed is asked last for so long
};

/// The upstream servers, and the connections to them that nobody uses now.
///
/// They take turns. One that failed is left out for a while, unless all others failed too. Times
/// are those of `net::coarse_seconds`. Not thread-safe.
class pool {
public:
  static constexpr std::size_t most_servers = 64;
  using server_set = std::bitset<most_servers>;

  struct idle_link {
    net::lease link;
    std::uint32_t since = 0;
  };
  struct server {
    net::remote at;
    std::uint32_t down_until = 0; // 0 = it is not
    std::size_t links = 0;        // all, also those in use
    std::vector<idle_link> idle;  // the one used longest ago first
    bool retired = false;         // is none any more, but links of it are in use still
  };
  /// Which server's turn it is.
  struct choice {
    std::optional<std::size_t> server; ///< none: `wait` says why
    bool wait = false; ///< all that could be asked have as many connections as they may have
  };

  /// Throws `std::runtime_error` if there are too many.
  pool(std::vector<net::remote> servers, pool_options options);

  /// Chooses among those that are not in `without`.
  choice choose(const server_set& without, std::uint32_t now);
  /// A connection that is as the last answer left it; empty if there is none. It still counts.
  net::lease take_idle(std::size_t of);
  /// One more connection; and one less.
  void opened(std::size_t of) { ++servers_[of].links; }
  void closed(std::size_t of) { --servers_[of].links; }
  /// Keeps a connection for later, or closes it.
  void give_back(std::size_t of, net::lease link, std::uint32_t now);
  void failed(std::size_t of, std::uint32_t now);
  void works(std::size_t of) { servers_[of].down_until = 0; }
  /// Closes what was not used for too long, or was closed by its server.
  void tidy(std::uint32_t now);

  const std::vector<server>& servers() const { return servers_; }
  /// Whether there is something for `tidy` to look at.
  bool has_idle() const;

  // -- state ---------------------------------------------------------------------------------

  /// The server of that name; if there is none any more, a retired one.
  std::size_t find_or_retire(std::string_view text);
  void restore_down(std::size_t of, std::uint32_t until) { servers_[of].down_until = until; }
  /// A connection that was idle in another instance.
  void restore_idle(std::size_t of, net::lease link, std::uint32_t since);

private:
  bool can_be_asked(const server& one) const {
    return !one.idle.empty() || one.links < options_.connections;
  }

  const pool_options options_;
  std::vector<server> servers_;
  std::size_t next_ = 0; // whose turn it is
};

} // namespace instar::proxy

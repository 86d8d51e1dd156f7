#pragma once

#include "services/net/endpoint.hpp"
#include "transfer/result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace instar::net {

/// A peer to connect to.
struct remote {
  sockaddr_storage address{};
  socklen_t size = 0;
  std::string text; ///< as it was given

  bool operator==(const remote& other) const { return text == other.text; }
};

/// The peers that a list names: `127.0.0.1:8080`, `[::1]:80` or `backend:8080`, with spaces
/// between. Names are looked up now, which may block; of several addresses the first is taken. The
/// failure names the entry, cause and remedy.
result<std::vector<remote>> find_remotes(std::string_view list);

/// A connection that this process began: closed when the last reference to it goes.
///
/// Whoever asked for it owns it and passes it on; unlike a `connection` it counts for no limit and
/// knows nothing of requests.
class outgoing final : public endpoint {
public:
  static constexpr std::string_view payload_name = "net.outgoing";

  outgoing(int fd, std::uint64_t id) noexcept : endpoint(fd, id) {}
  ~outgoing() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  /// 0 once the connection stands; else the error for which it does not, `EINPROGRESS` as long as
  /// that is open.
  int connect_error() const noexcept;
  /// Whether nothing has come from the peer, not even its end: what an unused connection has to be.
  bool quiet() const noexcept;
};

/// A non-blocking socket that has begun to connect; or the error, negative.
int begin_connecting(const remote& to) noexcept;

} // namespace instar::net

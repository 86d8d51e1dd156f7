#pragma once

#include "actors/settings.hpp"
#include "services/net/endpoint.hpp"
#include "transfer/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace instar::net {

/// Where to listen.
struct listen_options {
  std::string address = "127.0.0.1"; ///< numeric, IPv4 or IPv6
  std::uint16_t port = 0;            ///< 0 = any free one
  int backlog = 1024;
};

/// Of a type with the settings `address`, `port` and maybe `backlog`. Throws
/// `std::invalid_argument` if there is no such port.
listen_options listen_options_of(const settings& values);

/// Whether the socket is bound where `wanted` says, or to any port of the address if that is 0.
bool is_bound_to(int fd, const listen_options& wanted);

/// A bound socket. It takes connections from `listen` on.
class listener final : public endpoint {
public:
  static constexpr std::string_view payload_name = "net.listener";

  listener(int fd, std::uint64_t id, listen_options options);

  std::string_view type_name() const noexcept override { return payload_name; }

  /// What was asked for.
  const listen_options& options() const noexcept { return options_; }
  /// Where it really is, with the port that the system chose.
  std::string address() const { return local_address(fd()); }
  std::uint16_t port() const;
  /// Is where `wanted` says, whatever backlog that asks for.
  bool fits(const listen_options& wanted) const { return is_bound_to(fd(), wanted); }

  /// Starts to take connections; again later, with another `backlog`, to change that.
  result<void> listen(int backlog);

private:
  const listen_options options_;
};

/// A non-blocking socket bound as `options` say. The failure names address, cause and remedy.
///
/// The addresses of `replaced`, which is about to go, may overlap with the new ones on the same
/// port: 127.0.0.1 and 0.0.0.0, say. Nobody else can take a part of them meanwhile.
result<int> bind_socket(const listen_options& options, const listener* replaced = nullptr);

} // namespace instar::net

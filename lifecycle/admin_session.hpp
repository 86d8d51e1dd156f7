#pragma once

#include "lifecycle/admin.capnp.h"
#include "lifecycle/admin_server.hpp"
#include "lifecycle/admin_socket.hpp"
#include "lifecycle/admin_trace.hpp"

#include <capnp/capability.h>

#include <memory>

namespace instar {

/// What the server and the capabilities of one connection know of it. Server's thread only.
struct admin_peer {
  service& target;
  trace_desk& traces;
  const admin_options& options;
  socket_peer who;
  bool welcome = false;          ///< the handshake has succeeded
  std::size_t open_requests = 0; ///< not yet answered
};

/// The bootstrap capability of a connection: answers the handshake, and only then hands out the
/// capability that reaches the service.
capnp::Capability::Client make_admin(std::shared_ptr<admin_peer> peer);

} // namespace instar

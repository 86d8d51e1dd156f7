#pragma once

#include "actors/context.hpp"
#include "services/net/reactor.hpp"

namespace instar::net {

/// For an operator that parses: pauses a connection until its last open request is answered. Then
/// `ready::resumed` comes to the operator's events, which has to deal with what it has, and to
/// `read_on`. `held` is part of its state. Returns false if all were answered in the meantime: then
/// the connection is not paused.
bool pause_input(context& ctx, const payload_ptr<connection>& from, lease& held);

/// What arrived during the pause, its end included, was left unread: now it is not.
void read_on(context& ctx, connection& from);

} // namespace instar::net

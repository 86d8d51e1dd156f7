#pragma once

#include "lifecycle/supervisor.hpp"

#include <caf/event_based_actor.hpp>

namespace instar {

/// Takes upgrade messages and questions from outside and hands them to the supervisor.
///
/// The one way in: the admin socket, the program that embeds the service and policies all send it
/// the same messages.
class admin_actor final : public caf::event_based_actor {
public:
  admin_actor(caf::actor_config& config, caf::actor supervisor);

  caf::behavior make_behavior() override;

private:
  template <class Message>
  auto hand_over() {
    return [this](const Message& m) { send(supervisor_, m); };
  }

  caf::actor supervisor_;
};

} // namespace instar

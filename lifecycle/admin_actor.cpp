#include "lifecycle/admin_actor.hpp"

namespace instar {

admin_actor::admin_actor(caf::actor_config& config, caf::actor supervisor)
    : caf::event_based_actor(config), supervisor_(std::move(supervisor)) {}

caf::behavior admin_actor::make_behavior() {
  return {
      hand_over<order_message>(),   hand_over<plan_message>(),    hand_over<status_message>(),
      hand_over<graph_message>(),   hand_over<history_message>(), hand_over<cancel_message>(),
      hand_over<compare_message>(), hand_over<observe_message>(),
  };
}

} // namespace instar

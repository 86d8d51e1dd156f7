#include "actors/doorbell.hpp"

#include <caf/mailbox_element.hpp>
#include <caf/make_message.hpp>
#include <caf/message_id.hpp>

namespace instar {

/// Not on the ringer's behalf: whoever is woken for packets waits for its turn (local_scheduler).
void doorbell::wake() {
  if (target_)
    target_->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, wake_atom::value), nullptr);
}

} // namespace instar

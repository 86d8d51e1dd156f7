#include "actors/doorbell.hpp"

#include <caf/mailbox_element.hpp>
#include <caf/make_message.hpp>
#include <caf/message_id.hpp>

namespace instar {

void doorbell::wake(caf::execution_unit* from) {
  if (target_)
    target_->enqueue(
        caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, wake_atom::value), from);
}

} // namespace instar

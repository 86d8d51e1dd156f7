#include "services/http/compose.hpp"

#include "services/net/connection.hpp"

#include <utility>

namespace instar::http {

compose::compose(const settings& values)
    : heads_(net::whole_seconds(values.duration("retry_after"))) {}

void compose::on_packet(context& ctx, std::size_t, packet p) {
  auto made = p.take<response>();
  if (!made->from) return; // its answer goes another way
  if (!made->unique()) {
    // Somebody else looks at it, so the head goes into a copy; the body is shared.
    auto copy = make_payload<response>(std::move(made->from), made->line);
    static_cast<response_fields&>(*copy) = *made;
    copy->asked = made->asked;
    copy->body = made->body;
    copy->passed = made->passed;
    made = std::move(copy);
  }
  heads_.write(*made);
  ctx.emit(out, std::move(made), p.key);
}

} // namespace instar::http

#include "services/net/pausing.hpp"

namespace instar::net {

bool pause_input(context& ctx, const payload_ptr<connection>& from, lease& held) {
  held = ctx.host<reactor>().watch(from, interest::resumes, ctx.events());
  from->pause();
  if (from->open_requests() > 0 || !from->resume()) return true;
  held = {};
  return false;
}

void read_on(context& ctx, connection& from) {
  ctx.host<reactor>().post(from, interest::reads, ready::readable | ready::hangup);
}

} // namespace instar::net

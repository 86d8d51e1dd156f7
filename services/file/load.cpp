#include "services/file/load.hpp"

#include <unistd.h>

#include <utility>

namespace instar::file {

void load::on_packet(context& ctx, std::size_t, packet p) {
  auto& asked = p.as<http::request>();
  if (!asked.from()) return; // its answer goes another way
  auto made = make_payload<http::response>(asked.take_from(), asked.line());
  if (const auto refused = asked.line().refused; refused != 0) made->status = refused;
  else answer(*made, asked.target());
  // Every version's output is its port 0; the port's type says which bodies to expect.
  ctx.emit_packet(0, packet{std::move(made), p.key});
}

void load::answer(http::response& into, std::string_view target) {
  const auto found = root_.open(target);
  if (found.status != 0) {
    into.status = static_cast<std::uint16_t>(found.status);
    return;
  }
  into.content_type = found.content_type;
  into.content_length = found.size;
  into.modified = found.modified;
  if (into.line.method == http::method::head || found.size == 0) ::close(found.fd);
  else fill(into, found);
}

} // namespace instar::file

#include "services/file/load.hpp"

#include <new>
#include <utility>

namespace instar::file {

void load::on_packet(context& ctx, std::size_t, packet p) {
  const auto key = p.key;
  auto asked = p.take<http::request>();
  if (!asked->from()) return; // its answer goes another way
  auto made = make_payload<http::response>(std::move(asked));
  if (const auto body = files_.answer(*made)) fill(*made, body->from, body->part);
  // Every version's output is its port 0; the port's type says which bodies to expect.
  ctx.emit_packet(0, packet{std::move(made), key});
}

void load::read_into_memory(http::response& answer, const opened& from, http::byte_range part) {
  const handle closes_it(from.fd);
  try {
    auto bytes = net::buffer::make(part.size);
    if (read_part(from.fd, bytes->data(), part)) answer.body = http::body(std::move(bytes));
    else answer.status = 500;
  } catch (const std::bad_alloc&) {
    answer.status = 503;
  }
}

} // namespace instar::file

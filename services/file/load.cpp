#include "services/file/load.hpp"

#include "services/file/content_type.hpp"
#include "services/http/multipart.hpp"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace instar::file {

void load::on_packet(context& ctx, std::size_t, packet p) {
  const auto key = p.key;
  auto asked = p.take<http::request>();
  if (!asked->from()) return; // its answer goes another way
  auto made = make_payload<http::response>(std::move(asked));
  if (const auto refused = made->line.refused; refused != 0) made->status = refused;
  else if (made->line.method == http::method::other) made->status = 405;
  else answer(*made);
  // Every version's output is its port 0; the port's type says which bodies to expect.
  ctx.emit_packet(0, packet{std::move(made), key});
}

void load::answer(http::response& into) {
  const auto& asked = *into.asked;
  const bool gzip = gzip_ && asked.has(http::field::accept_encoding) && http::prefers_gzip(asked);
  const auto found = root_.open(asked.target(), gzip);
  if (found.status != 0) {
    into.status = static_cast<std::uint16_t>(found.status);
    return;
  }
  into.content_type = found.content_type;
  into.content_length = into.complete_length = found.size;
  into.modified = found.modified;
  into.modified_fraction = found.modified_fraction;
  into.gzipped = found.gzipped;
  into.varies = gzip_ && compressible(found.content_type);
  if (asked.is_selective()) {
    http::range_list parts;
    http::select(into, parts, max_multipart_);
    if (into.parts > 1) return fill_parts(into, found, parts.parts());
  }
  const bool has_body = (into.status == 200 || into.status == 206) && into.content_length > 0 &&
                        into.line.method != http::method::head;
  if (has_body) fill(into, found, {into.first, into.content_length});
  else ::close(found.fd);
}

void load::fill_parts(http::response& into, const opened& from,
                      std::span<const http::byte_range> parts) {
  const handle closes_it(from.fd);
  try {
    const auto copy = [&](std::byte* to, http::byte_range part) {
      return read_part(from.fd, to, part);
    };
    if (!http::fill_multipart(into, parts, copy)) into.status = 500;
  } catch (const std::bad_alloc&) {
    into.status = 503; // does not fit into memory
  }
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

bool read_part(int fd, std::byte* into, http::byte_range part) {
  while (part.size > 0) {
    const auto got = ::pread(fd, into, part.size, static_cast<off_t>(part.first));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    into += got;
    part.first += static_cast<std::uint64_t>(got);
    part.size -= static_cast<std::uint64_t>(got);
  }
  return true;
}

} // namespace instar::file

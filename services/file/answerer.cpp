#include "services/file/answerer.hpp"

#include "services/file/content_type.hpp"
#include "services/file/handle.hpp"
#include "services/http/multipart.hpp"

#include <unistd.h>

#include <cerrno>
#include <new>

namespace instar::file {

std::optional<answerer::source> answerer::answer(http::response& into) const {
  if (const auto refused = into.line.refused; refused != 0) into.status = refused;
  else if (into.line.method == http::method::other) into.status = 405;
  else return find(into);
  return std::nullopt;
}

std::optional<answerer::source> answerer::find(http::response& into) const {
  const auto& asked = *into.asked;
  const bool gzip = gzip_ && asked.has(http::field::accept_encoding) && http::prefers_gzip(asked);
  const auto found = root_.open(asked.target(), gzip);
  if (found.status != 0) {
    into.status = static_cast<std::uint16_t>(found.status);
    return std::nullopt;
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
    if (into.parts > 1) {
      fill_parts(into, found, parts.parts());
      return std::nullopt;
    }
  }
  const bool has_body = (into.status == 200 || into.status == 206) && into.content_length > 0 &&
                        into.line.method != http::method::head;
  if (has_body) return source{found, {into.first, into.content_length}};
  ::close(found.fd);
  return std::nullopt;
}

void answerer::fill_parts(http::response& into, const opened& from,
                          std::span<const http::byte_range> parts) const {
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

#include "services/file/load_v1.hpp"

#include <new>
#include <utility>

namespace instar::file {

void load_v1::fill(http::response& answer, const opened& from, http::byte_range part) {
  const handle closes_it(from.fd);
  try {
    auto bytes = net::buffer::make(part.size);
    if (read_part(from.fd, bytes->data(), part)) answer.body = http::body(std::move(bytes));
    else answer.status = 500;
  } catch (const std::bad_alloc&) {
    answer.status = 503; // does not fit into memory
  }
}

} // namespace instar::file

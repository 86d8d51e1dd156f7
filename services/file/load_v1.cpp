#include "services/file/load_v1.hpp"

#include <unistd.h>

#include <cerrno>
#include <new>
#include <utility>

namespace instar::file {

namespace {

/// Returns how much was read: less than `size` if the file has become shorter, or cannot be read.
std::size_t read_all(int fd, std::byte* into, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const auto got = ::read(fd, into + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

} // namespace

void load_v1::fill(http::response& answer, const opened& from) {
  const handle closes_it(from.fd);
  try {
    auto bytes = net::buffer::make(from.size);
    if (read_all(from.fd, bytes->data(), bytes->size()) == bytes->size())
      answer.body = http::body(std::move(bytes));
    else answer.status = 500;
  } catch (const std::bad_alloc&) {
    answer.status = 503; // does not fit into memory
  }
}

} // namespace instar::file

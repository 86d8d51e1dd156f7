#include "services/proxy/exchange.hpp"

#include "services/proxy/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

namespace instar::proxy {

question::~question() = default;
exchange::~exchange() = default;

payload_ptr<http::response> refusal(std::uint16_t status) {
  auto made = make_payload<http::response>(net::open_request(), http::request_line());
  made->status = status;
  return made;
}

// -- spool --------------------------------------------------------------------------------------

namespace {

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

} // namespace

spool::~spool() = default;

int spool::add(std::string_view piece) {
  if (!file_ && memory_.size() + piece.size() <= most_in_memory_) {
    memory_ += piece;
    size_ += piece.size();
    return 0;
  }
  if (!file_)
    if (const int error = begin_file(); error != 0) return error;
  const int error = write_all(file_->fd(), piece);
  if (error == 0) size_ += piece.size();
  return error;
}

void spool::expect(std::uint64_t size) {
  if (size <= most_in_memory_) memory_.reserve(static_cast<std::size_t>(size));
}

int spool::begin_file() {
  const int fd = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  file_ = make_payload<file::handle>(fd);
  const int error = write_all(fd, memory_);
  memory_ = {};
  return error;
}

http::body spool::take() {
  const auto size = std::exchange(size_, 0);
  if (auto file = std::exchange(file_, nullptr)) return {std::move(file), 0, size};
  if (size == 0) return {};
  const auto text = std::exchange(memory_, {});
  return http::body(net::buffer::copy(std::as_bytes(std::span(text))));
}

} // namespace instar::proxy

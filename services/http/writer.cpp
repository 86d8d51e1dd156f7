#include "services/http/writer.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace instar::http {

namespace {

constexpr std::size_t max_pieces = 64;
constexpr std::size_t piece_size = 256 * 1024;
/// What one connection may write before others get their turn.
constexpr std::uint64_t quota_bytes = 256 * 1024;

iovec piece_of(const char* bytes, std::size_t size, std::uint64_t skipped) {
  return {const_cast<char*>(bytes) + skipped, size - static_cast<std::size_t>(skipped)};
}

/// Notes that `count` more bytes of the queue were written.
void advance(std::span<outgoing> queue, std::uint64_t count) {
  for (auto& one : queue) {
    const auto step = std::min(count, one.size() - one.sent);
    one.sent += step;
    count -= step;
    if (count == 0) return;
  }
}

write_progress progress_of(int error) {
  return error == EAGAIN || error == EWOULDBLOCK ? write_progress::blocked : write_progress::failed;
}

} // namespace

write_progress writer::write(int socket, std::span<outgoing> queue) {
  auto quota = quota_bytes;
  while (true) {
    while (!queue.empty() && queue.front().complete()) queue = queue.subspan(1);
    if (queue.empty()) return write_progress::complete;
    if (quota == 0) return write_progress::paused;
    auto& front = queue.front();
    const bool at_file = front.what->body.file() && front.sent >= front.what->head().size();
    const auto progress = !at_file        ? gather(socket, queue, quota)
                          : use_sendfile_ ? send_file(socket, front, quota)
                                          : copy_file(socket, front, quota);
    if (progress != write_progress::complete) return progress;
  }
}

/// Everything up to the first file goes out with one call.
write_progress writer::gather(int socket, std::span<outgoing> queue, std::uint64_t& quota) {
  std::array<iovec, max_pieces> pieces;
  std::size_t count = 0;
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  for (const auto& one : queue) {
    if (count + 2 > pieces.size()) break;
    const auto head = one.what->head();
    if (one.sent < head.size()) pieces[count++] = piece_of(head.data(), head.size(), one.sent);
    if (one.what->body.file()) {
      flags |= MSG_MORE; // the file's first bytes fill the same packet
      break;
    }
    if (one.what->body.bytes()) {
      const auto skipped = one.sent - std::min<std::uint64_t>(one.sent, head.size());
      const auto text = one.what->body.text();
      pieces[count++] = piece_of(text.data(), text.size(), skipped);
    }
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = count;
  const auto sent = ::sendmsg(socket, &message, flags);
  if (sent < 0) return errno == EINTR ? write_progress::complete : progress_of(errno);
  advance(queue, static_cast<std::uint64_t>(sent));
  quota -= std::min(quota, static_cast<std::uint64_t>(sent));
  return write_progress::complete;
}

write_progress writer::send_file(int socket, outgoing& from, std::uint64_t& quota) {
  const auto& body = from.what->body;
  const auto done = from.sent - from.what->head().size();
  auto offset = static_cast<off_t>(body.offset() + done);
  const auto count = std::min(body.size() - done, quota);
  const auto sent = ::sendfile(socket, body.file()->fd(), &offset, count);
  if (sent > 0) {
    from.sent += static_cast<std::uint64_t>(sent);
    quota -= static_cast<std::uint64_t>(sent);
    return write_progress::complete;
  }
  if (sent == 0) return write_progress::failed; // shorter than it was
  if (errno == EINTR) return write_progress::complete;
  if (errno == EINVAL || errno == ENOSYS) return copy_file(socket, from, quota);
  return progress_of(errno);
}

write_progress writer::copy_file(int socket, outgoing& from, std::uint64_t& quota) {
  if (!piece_) piece_ = std::make_unique_for_overwrite<std::byte[]>(piece_size);
  const auto& body = from.what->body;
  const auto done = from.sent - from.what->head().size();
  const auto wanted = std::min<std::uint64_t>({body.size() - done, quota, piece_size});
  const auto got =
      ::pread(body.file()->fd(), piece_.get(), wanted, static_cast<off_t>(body.offset() + done));
  if (got <= 0)
    return got < 0 && errno == EINTR ? write_progress::complete : write_progress::failed;
  const auto sent =
      ::send(socket, piece_.get(), static_cast<std::size_t>(got), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EINTR ? write_progress::complete : progress_of(errno);
  from.sent += static_cast<std::uint64_t>(sent);
  quota -= static_cast<std::uint64_t>(sent);
  return write_progress::complete;
}

} // namespace instar::http

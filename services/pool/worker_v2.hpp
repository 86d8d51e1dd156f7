#pragma once

#include "services/pool/worker.hpp"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace instar::pool {

/// Has the system copy files to the connection (`sendfile`): their bytes never enter this process.
/// There is no wrapper for that call, so an update interrupts it by a signal.
class worker_v2 final : public worker {
public:
  static constexpr operator_type type{
      .name = "pool.worker",
      .version = 2,
      .help = "answers HTTP requests with files, one connection at a time, by sendfile",
      .inputs = {in},
      .outputs = {idle, closing},
      .state_schema = capnp::typeId<WorkerState>(),
      .state_version = 1,
      .settings = {file::answerer::root_setting, file::answerer::index_setting,
                   file::answerer::gzip_setting, file::answerer::max_multipart_setting,
                   head_timeout_setting, write_timeout_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit worker_v2(const settings& values) : worker(values) {}

private:
  std::size_t send_file(blocking_context& ctx, const task& of) override {
    constexpr std::uint64_t at_once = 1 << 20;
    // So that a client that takes nothing more keeps nobody in there.
    const timeval limit{1, 0};
    ::setsockopt(of.peer->fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    auto offset = static_cast<off_t>(of.offset);
    const auto wanted = static_cast<std::size_t>(std::min(of.left, at_once));
    int error = 0;
    const auto sent = ctx.plain([&] {
      const auto n = ::sendfile(of.peer->fd(), of.file->fd(), &offset, wanted);
      if (n < 0) error = errno;
      return n;
    });
    if (sent > 0) return static_cast<std::size_t>(sent);
    if (sent == 0) file_is_short();
    if (error == EINTR || error == EAGAIN) return 0;
    throw std::system_error(error, std::generic_category(), "sendfile");
  }
};

} // namespace instar::pool

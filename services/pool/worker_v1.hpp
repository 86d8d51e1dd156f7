#pragma once

#include "services/pool/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <system_error>

namespace instar::pool {

/// Copies files through memory: `pread`, then `write`.
class worker_v1 final : public worker {
public:
  static constexpr operator_type type{
      .name = "pool.worker",
      .version = 1,
      .help = "answers HTTP requests with files, one connection at a time, by read and write",
      .inputs = {in},
      .outputs = {idle, closing},
      .state_schema = capnp::typeId<WorkerState>(),
      .state_version = 1,
      .settings = {file::answerer::root_setting, file::answerer::index_setting,
                   file::answerer::gzip_setting, file::answerer::max_multipart_setting,
                   head_timeout_setting, write_timeout_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit worker_v1(const settings& values) : worker(values) {}

private:
  std::size_t send_file(blocking_context& ctx, const task& of) override {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(of.left, block_.size()));
    const auto got = ::pread(of.file->fd(), block_.data(), wanted, static_cast<off_t>(of.offset));
    if (got < 0 && errno == EINTR) return 0;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "pread");
    if (got == 0) file_is_short();
    return ctx.write(of.peer->fd(),
                     std::span<const std::byte>(block_).first(static_cast<std::size_t>(got)));
  }

  std::array<std::byte, 128 * 1024> block_;
};

} // namespace instar::pool

#include "services/stream/source.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"
#include "services/stream/frame_pipe.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace instar::stream {

namespace {

/// Until it is looked again whether somebody writes.
constexpr std::chrono::milliseconds pause_time{100};

constexpr std::size_t head = sizeof(frame_pipe::length);

} // namespace

source::source(const settings& values)
    : blocking_operator(blocking::rest_of(values)), path_(values.path("path")),
      frame_size_(static_cast<std::size_t>(
          std::clamp<std::uint64_t>(values.size("frame"), 1, frame_pipe::largest))) {
  begin_frame();
}

void source::run(blocking_context& ctx) {
  try {
    if (!file_) open(ctx.host<descriptors>());
    if (!pipe_) make_pipe(ctx);
  } catch (const std::runtime_error& e) {
    return ctx.stop_service(e.what());
  }
  while (true) {
    if (!fill(ctx)) continue;
    if (send(ctx)) begin_frame();
    else make_pipe(ctx);
  }
}

void source::begin_frame() {
  frame_.assign(head + frame_size_, '\0');
  frame_pipe::write_length(frame_.data(), frame_size_);
  have_ = written_ = 0;
}

/// Returns whether the frame is full.
bool source::fill(blocking_context& ctx) {
  const auto before = have_;
  const auto bytes = std::as_writable_bytes(std::span(frame_)).subspan(head);
  if (have_ == bytes.size() || ctx.read_all(file_->fd(), bytes, have_)) return true;
  const bool empty = have_ == before; // the end, or nobody writes
  if (!rewind() || empty) ctx.sleep_for(pause_time);
  return false;
}

/// Returns false if nobody reads from the pipe any more.
bool source::send(blocking_context& ctx) {
  try {
    ctx.write_all(pipe_->fd(), std::as_bytes(std::span(frame_)), written_);
    return true;
  } catch (const std::system_error& e) {
    if (e.code().value() != EPIPE) throw;
    written_ = 0;
    return false;
  }
}

void source::make_pipe(blocking_context& ctx) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "stream.source: pipe2");
  // Some frames ahead, so that nobody hears when this thread gets its turn late. Where the system
  // does not give so much, a pipe is as large as it is.
  const auto wanted = std::clamp<std::size_t>(16 * frame_.size(), 64 * 1024, 1024 * 1024);
  ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(wanted));
  auto& all = ctx.host<descriptors>();
  pipe_ = all.hold(ends[1]);
  ctx.emit(out, make_payload<descriptor_packet>(all.hold(ends[0])));
}

/// A FIFO is opened without waiting for who writes into it.
void source::open(descriptors& all) {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat about {};
  if (fd < 0 || ::fstat(fd, &about) != 0 || S_ISDIR(about.st_mode)) {
    const auto why = std::system_category().message(fd < 0 ? errno : EISDIR);
    if (fd >= 0) ::close(fd);
    throw std::runtime_error("stream.source cannot read '" + path_.string() + "': " + why +
                             "; set another path");
  }
  file_ = all.hold(fd);
}

/// Whether it is a file that can be read once more.
bool source::rewind() { return ::lseek(file_->fd(), 0, SEEK_SET) == 0; }

void source::save(state_writer& into) const {
  auto state = into.init<SourceState>();
  if (!file_) return;
  state.setPath(path_.string());
  state.setFrame(blocking::saved_bytes(std::string_view(frame_).substr(head, have_)));
  if (const auto at = ::lseek(file_->fd(), 0, SEEK_CUR); at > 0)
    state.setPosition(static_cast<std::uint64_t>(at));
  if (into.purpose() == save_purpose::checkpoint) return; // descriptors end with the process
  state.setFile(file_->id());
  if (!pipe_) return;
  state.setPipe(pipe_->id());
  state.setWritten(written_);
}

void source::restore(context& ctx, state_reader& from) {
  const auto state = from.root<SourceState>();
  auto& all = ctx.host<descriptors>();
  if (state.getPipe() != 0) pipe_ = all.find(state.getPipe());
  const bool same = path_.string() == state.getPath().cStr();
  if (same) {
    if (state.getFile() != 0) file_ = all.find(state.getFile());
    if (!file_) {
      open(all);
      ::lseek(file_->fd(), static_cast<off_t>(state.getPosition()), SEEK_SET);
    }
  }
  // A frame of which some is in the pipe has to be finished, whatever comes after it.
  const auto begun = blocking::bytes_of(state.getFrame());
  written_ = pipe_ ? std::min<std::size_t>(state.getWritten(), head + begun.size()) : 0;
  if (!same && written_ == 0) return;
  const auto size = written_ > 0 ? begun.size() : std::max(frame_size_, begun.size());
  frame_.assign(head + size, '\0');
  frame_pipe::write_length(frame_.data(), size);
  frame_.replace(head, begun.size(), begun);
  have_ = begun.size();
}

} // namespace instar::stream

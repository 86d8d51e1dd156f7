#include "services/stream/mixer.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/saved.hpp"
#include "services/stream/frame_pipe.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace instar::stream {

mixer::mixer(const settings& values)
    : blocking_operator(blocking::rest_of(values)),
      interval_(std::max<std::chrono::nanoseconds>(values.duration("interval"),
                                                   std::chrono::microseconds(100))),
      senders_(values.integer("senders"), "senders") {}

void mixer::run(blocking_context& ctx) {
  const auto now = clock::now();
  // Nothing was sent yet; or it was another clock's.
  if (due_ == clock::time_point{} || due_ > now + interval_) due_ = now;
  while (true) {
    ctx.sleep_until(due_);
    while (auto came = ctx.receive_until(clock::now())) left_over(came->port, came->what);
    send(ctx);
    due_ = next(due_);
  }
}

bool mixer::left_over(std::size_t, packet& p) {
  pipe_ = p.as<descriptor_packet>().what();
  begun_.clear();
  return true;
}

/// One frame, which all senders share.
void mixer::send(blocking_context& ctx) {
  auto made = make_payload<record>();
  auto frame = made->init<Frame>();
  frame.setSequence(++sequence_);
  frame.setPosition(position_);
  if (const auto data = read_frame()) {
    frame.setData(blocking::saved_bytes(*data));
    position_ += data->size();
  }
  for (std::size_t i = 0; i < senders_.size(); ++i) ctx.emit(out, made, senders_.key(i));
}

/// The next one, if all of it is there.
std::optional<std::string> mixer::read_frame() {
  constexpr auto head = sizeof(frame_pipe::length);
  if (!read_up_to(head)) return std::nullopt;
  const auto size = frame_pipe::read_length(begun_);
  if (size > frame_pipe::largest || !read_up_to(head + size)) return std::nullopt;
  auto data = begun_.substr(head);
  begun_.clear();
  return data;
}

/// Reads the pipe, which does not block, until so much of the frame is there; returns whether it
/// is.
bool mixer::read_up_to(std::size_t size) {
  while (begun_.size() < size) {
    if (!pipe_) return false;
    const auto had = begun_.size();
    begun_.resize(size);
    const auto got = ::read(pipe_->fd(), begun_.data() + had, size - had);
    begun_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) pipe_ = nullptr; // the source has gone
    if (got == 0) begun_.clear();
    if (got <= 0) return false;
  }
  return true;
}

void mixer::save(state_writer& into) const {
  auto state = into.init<MixerState>();
  state.setSequence(sequence_);
  state.setPosition(position_);
  if (into.purpose() == save_purpose::checkpoint) return; // clock and pipe end with the process
  state.setDue(blocking::saved_time(due_));
  if (!pipe_) return;
  state.setPipe(pipe_->id());
  state.setBegun(blocking::saved_bytes(begun_));
}

void mixer::restore(context& ctx, state_reader& from) {
  const auto state = from.root<MixerState>();
  sequence_ = state.getSequence();
  position_ = state.getPosition();
  due_ = blocking::time_of(state.getDue());
  if (state.getPipe() != 0) pipe_ = ctx.host<descriptors>().find(state.getPipe());
  if (pipe_) begun_ = blocking::bytes_of(state.getBegun());
}

} // namespace instar::stream

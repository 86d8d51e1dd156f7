#pragma once

#include "services/stream/sender.hpp"

namespace instar::stream {

/// Who has fallen behind goes on with the oldest frame that is kept: it loses as few as it can.
class sender_v1 final : public sender {
public:
  static constexpr operator_type type{
      .name = "stream.sender",
      .version = 1,
      .help = "gives frames to listeners; who is slow loses as few as it can",
      .inputs = {frame, connected},
      .outputs = {counts, asked},
      .state_schema = capnp::typeId<SenderState>(),
      .state_version = 1,
      .settings = {window_setting, buffer_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit sender_v1(const settings& values) : sender(values) {}

private:
  const encoded& go_on(const std::deque<encoded>& window) const override { return window.front(); }
};

} // namespace instar::stream

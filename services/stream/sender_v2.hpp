#pragma once

#include "services/stream/sender.hpp"

namespace instar::stream {

/// Who has fallen behind goes on with the newest frame: it is up to date again.
class sender_v2 final : public sender {
public:
  static constexpr operator_type type{
      .name = "stream.sender",
      .version = 2,
      .help = "gives frames to listeners; who is slow is brought up to date",
      .inputs = {frame, connected},
      .outputs = {counts, asked},
      .state_schema = capnp::typeId<SenderState>(),
      .state_version = 1,
      .settings = {window_setting, buffer_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit sender_v2(const settings& values) : sender(values) {}

private:
  const encoded& go_on(const std::deque<encoded>& window) const override { return window.back(); }
};

} // namespace instar::stream

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "mixer_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/lane_keys.hpp"
#include "stream_messages.capnp.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace instar::stream {

/// Sends a frame to all senders whenever one is due: the source's next one, or silence if there is
/// none. A thread that sleeps.
class mixer : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> in{0, "pipe"};
  static constexpr out_port<record_of<Frame>> out{0, "frame"};
  static constexpr setting_type interval_setting{"interval", setting_kind::duration, "20ms", false,
                                                 "between two frames"};
  static constexpr setting_type senders_setting{
      "senders", setting_kind::integer, "1", false,
      "how many senders there are: as many as `replicas` of theirs, 1 to 64"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  using clock = std::chrono::steady_clock;

  explicit mixer(const settings& values);

  std::chrono::nanoseconds interval() const { return interval_; }
  /// When the frame after one is due that was due then.
  virtual clock::time_point next(clock::time_point due) const = 0;

private:
  void send(blocking_context& ctx);
  std::optional<std::string> read_frame();
  bool read_up_to(std::size_t size);

  const std::chrono::nanoseconds interval_;
  const blocking::lane_keys senders_;
  std::uint64_t sequence_ = 0; // of the last one
  std::uint64_t position_ = 0;
  clock::time_point due_{};
  std::shared_ptr<descriptor> pipe_;
  std::string begun_; // of the next frame, after its length
};

} // namespace instar::stream

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "bulk_messages.capnp.h"
#include "receiver_state.capnp.h"
#include "services/blocking/common_settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace instar::bulk {

/// Carries out one transfer at a time, and looks at each byte that comes. A thread that waits in
/// `read` and `write`. Which byte is the next is in its state, so a transfer goes on in a
/// successor.
class receiver : public blocking_operator {
public:
  static constexpr in_port<record_of<Transfer>> in{0, "transfer"};
  static constexpr out_port<record_of<Returned>> returned{0, "returned"};
  static constexpr out_port<record_of<Moved>> moved{1, "moved"};
  static constexpr setting_type stall_timeout_setting{
      "stall_timeout", setting_kind::duration, "60s", false,
      "for a client to send, or to take, some bytes of its transfer"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  using clock = std::chrono::steady_clock;

  /// Moves at most so many bytes by one call.
  receiver(const settings& values, std::size_t block);

  /// Waits until more bytes may move. May throw `interrupted`.
  virtual void before_moving(blocking_context&) {}
  virtual void after_moving(std::size_t) {}

private:
  enum class phase : std::uint8_t { begun, line_before, moving, line_after };

  struct running {
    std::uint64_t connection = 0;
    bool sends = false;
    std::uint64_t size = 0, seed = 0, done = 0;
    receiver::phase phase = phase::begun;
    std::string line;
    clock::time_point since;
    std::shared_ptr<descriptor> peer = nullptr; // once it is looked for
  };

  static running begin(const packet& p);
  bool serve(blocking_context& ctx, running& r);
  bool move(blocking_context& ctx, running& r);
  std::size_t receive(blocking_context& ctx, running& r);
  std::size_t send(blocking_context& ctx, const running& r);
  bool write_line(blocking_context& ctx, running& r);
  void tell(blocking_context& ctx);

  const std::chrono::nanoseconds stall_timeout_;
  std::deque<running> running_; // the first one is being worked on
  std::uint64_t received_ = 0, sent_ = 0;
  clock::time_point told_{};
  std::vector<std::byte> block_;
};

} // namespace instar::bulk

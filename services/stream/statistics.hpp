#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "services/blocking/common_settings.hpp"
#include "statistics_state.capnp.h"
#include "stream_messages.capnp.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace instar::stream {

/// Adds up what the senders have seen, and writes it to who asks. A thread that waits for either.
class statistics : public blocking_operator {
public:
  static constexpr in_port<record_of<Counts>> counts{0, "counts"};
  static constexpr in_port<descriptor_packet> asked{1, "asked"};
  static constexpr setting_type write_timeout_setting{
      "write_timeout", setting_kind::duration, "10s", false, "for a client to take its answer"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  struct sums {
    std::uint64_t listeners = 0, peak = 0, frames = 0, dropped = 0, bytes = 0;
  };

  explicit statistics(const settings& values);

  /// What this version says; lines.
  virtual std::string text(const sums& of) const = 0;

private:
  struct question {
    std::shared_ptr<descriptor> peer;
    std::string text;
    std::chrono::steady_clock::time_point since;
  };

  void take(std::size_t port, packet& p);
  void answer(blocking_context& ctx, question& to);

  const std::chrono::nanoseconds write_timeout_;
  sums sums_;
  std::deque<question> asked_;
};

} // namespace instar::stream

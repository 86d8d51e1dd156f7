#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "sender_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "stream_messages.capnp.h"

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace instar::stream {

/// Gives the frames to its listeners, to each at its own speed. Who falls behind so far that its
/// next frame is not kept any more loses whole frames, and is told how many. A thread that waits in
/// `poll`.
class sender : public blocking_operator {
public:
  static constexpr in_port<record_of<Frame>> frame{0, "frame"};
  static constexpr in_port<descriptor_packet> connected{1, "connection"};
  static constexpr out_port<record_of<Counts>> counts{0, "counts"};
  static constexpr out_port<descriptor_packet> asked{1, "asked"};
  static constexpr setting_type window_setting{"window", setting_kind::integer, "64", false,
                                               "frames that are kept for who is slow"};
  static constexpr setting_type buffer_setting{
      "buffer", setting_kind::size, "64KiB", false,
      "of the system for each listener: a larger one hides for longer that somebody is slow"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  struct encoded {
    std::uint64_t sequence = 0;
    std::shared_ptr<const std::string> text;
  };

  explicit sender(const settings& values);

  /// Where somebody goes on whose next frame is not in the window any more. It is not empty.
  virtual const encoded& go_on(const std::deque<encoded>& window) const = 0;

private:
  struct listener {
    std::shared_ptr<descriptor> peer;
    bool listens = false;
    std::string line;
    std::uint64_t next = 0; // 0 = the next frame that comes
    std::string rest;       // to be written before that
  };
  struct seen {
    std::uint64_t opened = 0, closed = 0, frames = 0, dropped = 0, bytes = 0;
    bool operator==(const seen&) const = default;
  };
  using listener_map = std::unordered_map<std::uint64_t, listener>;

  void take(std::size_t port, packet& p);
  void add(encoded one);
  void wait(blocking_context& ctx);
  void on_input(blocking_context& ctx, std::uint64_t id);
  void on_output(blocking_context& ctx, std::uint64_t id);
  void obey(blocking_context& ctx, listener_map::iterator who);
  bool has_more(const listener& to) const;
  void prepare(listener& to);
  void drop(listener_map::iterator which);
  void tell(blocking_context& ctx);

  const std::size_t window_size_;
  const int buffer_;
  std::deque<encoded> window_; // the oldest first, without a gap
  listener_map listeners_;
  seen seen_; // what the statistics have not been told of
  std::chrono::steady_clock::time_point told_{};
  std::vector<pollfd> polled_;
  std::vector<std::uint64_t> ids_;
};

} // namespace instar::stream

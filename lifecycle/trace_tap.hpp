#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "lifecycle/trace_hub.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace instar {

/// Put on an arc, it tells the `trace_hub` of every packet, and passes it on unchanged and in
/// order: at once, or after a delay, or not at all.
///
/// With a delay it holds at most `held` packets (and those of one activation more), then takes no
/// further ones: the arc's credit stops the sender. No marker passes while it holds any.
class trace_tap final : public operator_base {
public:
  static constexpr in_port<any_payload> in{0, "in"};
  static constexpr out_port<any_payload> out{0, "out", any_payload::payload_name, 0};
  static constexpr operator_type type{
      .name = "instar.tap",
      .version = 1,
      .help = "tells of the packets on an arc; may delay or drop them",
      .inputs = {in},
      .outputs = {out},
      .settings = {{"delay", setting_kind::duration, "0s", false, "every packet is held so long"},
                   {"held", setting_kind::integer, "1024", false, "packets held at the most"},
                   {"drop", setting_kind::number, "0", false, "probability that one is dropped"},
                   {"seed", setting_kind::integer, "1", false, "of the choice what is dropped"}}};

  explicit trace_tap(const settings& values);
  ~trace_tap() override;

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  void on_activation_end(context& ctx) override;

private:
  struct held {
    packet content;
    std::uint64_t activation = 0; ///< in which it came
  };

  bool chosen_to_drop();
  void note(const packet& p, bool dropped);
  void say_what_is_kept(context& ctx) const;

  const std::chrono::nanoseconds delay_;
  const std::size_t most_held_;
  const double drop_;
  std::mt19937_64 random_;
  std::shared_ptr<trace_box> box_; // null if nobody looks
  std::vector<packet_header> headers_;
  std::chrono::steady_clock::time_point last_{};
  std::deque<held> held_;
  std::uint64_t activation_ = 1;
};

} // namespace instar

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "game.capnp.h"
#include "services/blocking/common_settings.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace instar::game {

/// Reads the lines of who sits on its seat. The connection is open as long as the reader has it.
class reader : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> in{0, "seat"};
  static constexpr out_port<record_of<Order>> out{0, "order"};
  static constexpr std::size_t longest_line = 1024;

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// Who says nothing for `patience` is thrown out; 0 = nobody is.
  reader(const settings& values, std::chrono::nanoseconds patience);

private:
  void begin(blocking_context& ctx);
  void read(blocking_context& ctx);
  void end(blocking_context& ctx);
  void tell(blocking_context& ctx, Order::Kind kind, std::string_view text = {});

  const std::chrono::nanoseconds patience_;
  std::shared_ptr<descriptor> at_;
  std::uint64_t seat_ = 0;
  std::string input_; // the beginning of a line
  std::deque<std::pair<std::uint64_t, std::shared_ptr<descriptor>>>
      waiting_; // seats, who come next
  std::array<std::byte, 4096> block_;
};

} // namespace instar::game

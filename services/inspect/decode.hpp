#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/counts.hpp"
#include "services/inspect/inbox.hpp"

namespace instar::inspect {

/// Takes the IPv4 packets out of frames. The versions differ in how deep they look.
class decode : public blocking_operator {
public:
  static constexpr in_port<record_of<wire::Frames>> in{0, "frames"};
  static constexpr out_port<record_of<wire::Packets>> out{0, "packets"};
  static constexpr counts_port counted{1, "counts"};
  static constexpr operator_type base_type{
      .name = "inspect.decode",
      .help = "takes the IPv4 packets out of frames",
      .inputs = {in},
      .outputs = {out, counted},
      .state_schema = capnp::typeId<DecodeState>(),
      .state_version = 1,
      .settings = {{"checksums", setting_kind::boolean, "true", false,
                    "packets whose header has a wrong checksum are passed over"},
                   blocking::interruptible_setting}};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// Looks into packets in packets, through so many tunnels.
  decode(const settings& values, unsigned tunnels)
      : blocking_operator(blocking::rest_of(values)), checksums_(values.boolean("checksums")),
        tunnels_(tunnels) {}

private:
  payload_ptr<record> decode_frames(wire::Frames::Reader frames, counts& seen) const;

  const bool checksums_;
  const unsigned tunnels_;
  inbox inbox_;
};

} // namespace instar::inspect

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/counts.hpp"
#include "services/inspect/datagrams.hpp"
#include "services/inspect/inbox.hpp"
#include "services/inspect/rules.hpp"
#include "services/inspect/streams.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace instar::inspect {

/// Puts fragments and streams together, and emits what is to be inspected: whole datagrams, and
/// what streams have got more of. When a job is at its end, it tells how many units it has.
class flow final : public blocking_operator {
public:
  static constexpr in_port<record_of<wire::Packets>> in{0, "packets"};
  static constexpr in_port<record_of<wire::Tick>> ticks{1, "ticks"};
  static constexpr out_port<record_of<wire::Units>> out{0, "units"};
  static constexpr out_port<record_of<wire::Total>> totals{1, "totals"};
  static constexpr counts_port counted{2, "counts"};
  static constexpr operator_type type{
      .name = "inspect.flow",
      .version = 1,
      .help = "puts fragments and TCP streams together",
      .inputs = {in, ticks},
      .outputs = {out, totals, counted},
      .state_schema = capnp::typeId<FlowState>(),
      .state_version = 1,
      .settings = {{"checksums", setting_kind::boolean, "true", false,
                    "segments and datagrams with a wrong checksum are passed over"},
                   {"max_datagrams", setting_kind::integer, "4096", false,
                    "of which fragments are missing; those beyond are passed over"},
                   {"max_streams", setting_kind::integer, "65536", false,
                    "directions of connections; those beyond are passed over"},
                   blocking::interruptible_setting}};

  explicit flow(const settings& values);

  void run(blocking_context& ctx) override;
  bool left_over(std::size_t port, packet& p) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  struct unit {
    std::uint64_t frame;
    endpoints of;
    std::size_t old;
    std::string data;
  };
  struct job {
    std::uint64_t units = 0;
    std::int64_t newest = 0; ///< time of a frame
  };

  void treat(blocking_context& ctx, wire::Packets::Reader packets);
  void add(std::uint64_t job, wire::Packet::Reader p);
  void add_whole(std::uint64_t job, const ipv4& packet, wire::Packet::Reader from);
  void add(streams::growth&& grown);
  void end(blocking_context& ctx, std::uint64_t job, wire::End::Reader end);
  void send(blocking_context& ctx, std::uint64_t job);
  void expire();

  const bool checksums_;
  datagrams datagrams_;
  streams streams_;
  std::map<std::uint64_t, job> jobs_;
  std::uint64_t batches_ = 0; ///< whoever inspects gets them in turn
  inbox inbox_;
  std::vector<unit> units_; ///< empty between packets, as what is counted
  counts seen_;
};

} // namespace instar::inspect

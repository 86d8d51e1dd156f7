#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/clock.hpp"
#include "services/inspect/counts.hpp"
#include "services/inspect/inbox.hpp"
#include "services/inspect/pcap_file.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace instar::inspect {

/// Reads capture files, and emits their frames in small batches: those that clients have sent, one
/// after the other, and beside them the service's own, once or again and again.
///
/// Each time that a file is read is a job. Its last batch says so. State: the files, by their
/// descriptors, and how far they are read.
class capture final : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> asked{0, "asked"};
  static constexpr out_port<record_of<wire::Frames>> out{0, "frames"};
  static constexpr counts_port counted{1, "counts"};
  static constexpr operator_type type{
      .name = "inspect.capture",
      .version = 1,
      .help = "reads capture files by libpcap",
      .inputs = {asked},
      .outputs = {out, counted},
      .state_schema = capnp::typeId<CaptureState>(),
      .state_version = 1,
      .settings = {{"file", setting_kind::path, "", false,
                    "a capture file of the service's own; none: only what clients send"},
                   {"loops", setting_kind::integer, "1", false,
                    "how often that is read; 0: again and again"},
                   {"rate", setting_kind::integer, "0", false,
                    "frames of it in a second; 0: as fast as it can be read"},
                   blocking::interruptible_setting}};

  explicit capture(const settings& values);

  void run(blocking_context& ctx) override;
  bool left_over(std::size_t port, packet& p) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  /// A file that is being read.
  struct reading {
    bool open = false;
    std::uint64_t job = 0, bytes = 0;
    std::shared_ptr<descriptor> of;
    std::optional<pcap_file> file; ///< from the first batch on
  };

  void begin_own(blocking_context& ctx);
  std::shared_ptr<descriptor> open_own(descriptors& with, std::string& why) const;
  void take_order(blocking_context& ctx);
  void read_own(blocking_context& ctx);
  bool read_some(blocking_context& ctx, reading& of, std::string& error);
  static void save(Reading::Builder into, const reading& of, bool by_id);
  static void restore(reading& into, Reading::Reader from, std::shared_ptr<descriptor> of);

  const std::string path_;
  const std::uint64_t loops_wanted_;
  const std::int64_t rate_;
  inbox inbox_;
  reading asked_, own_;
  std::uint64_t loops_ = 0;                ///< that its own file has been read
  bool own_failed_ = false;                ///< it is not tried again
  steady::time_point due_ = steady::now(); ///< when frames of its own file are
};

} // namespace instar::inspect

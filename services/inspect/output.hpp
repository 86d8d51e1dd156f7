#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/counts.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace instar::inspect {

/// Writes what clients are told: alerts as they are found, and a line when all of a job has been
/// looked at. Alerts of the service's own file go to a log.
///
/// What belongs to a job comes on several ways, so nothing is taken for granted of its order: a job
/// is done when it is known how many units it has, and so many were looked at. State: what clients
/// have not taken yet, and the open jobs.
class output : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> connections{0, "connections"};
  static constexpr in_port<record_of<wire::Reply>> replies{1, "replies"};
  static constexpr in_port<record_of<wire::Results>> results{2, "results"};
  static constexpr in_port<record_of<wire::Total>> totals{3, "totals"};
  static constexpr operator_type base_type{
      .name = "inspect.output",
      .help = "writes alerts and answers to clients and to the log",
      .inputs = {connections, replies, results, totals},
      .state_schema = capnp::typeId<OutputState>(),
      .state_version = 1,
      .settings = {{"log", setting_kind::path, "", false,
                    "to which the alerts of the service's own file are appended"},
                   {"max_unread", setting_kind::size, "4MiB", false,
                    "of answers that a client does not take; beyond that its connection ends"},
                   blocking::interruptible_setting}};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  explicit output(const settings& values);

  /// How much of what waits is written at once.
  virtual std::size_t share(std::string_view waiting) const = 0;

private:
  struct client {
    std::shared_ptr<descriptor> to; ///< null until it comes
    std::string waiting;
    std::size_t open_jobs = 0;
    bool gone = false;   ///< asks no more
    bool broken = false; ///< takes no more
  };
  struct job {
    bool opened = false;
    std::uint64_t connection = 0;
    std::string tag;
    std::uint64_t units = 0, alerts = 0;
    std::vector<std::string> early; ///< lines from before it was opened
    bool has_total = false;
    std::uint64_t all_units = 0, frames = 0, bytes = 0;
    std::string error;
    bool ended = false; ///< told all
  };

  void take(std::size_t port, const packet& p);
  void take(wire::Reply::Reader reply);
  void take(wire::Results::Reader results);
  void take(wire::Total::Reader total);
  void open(wire::Opened::Reader opened);
  void say(job& in, std::string line);
  void say(client& to, std::string_view line);
  void finish_if_done(std::uint64_t number);
  void write_log(blocking_context& ctx);
  void write_some(blocking_context& ctx, client& to) const;
  static void give_up(client& to);
  void forget_gone();

  const std::string log_path_;
  const std::size_t max_unread_;
  std::map<std::uint64_t, client> clients_;
  std::map<std::uint64_t, job> jobs_;
  std::string log_; ///< lines that are not in the file yet
  bool log_failed_ = false;
};

} // namespace instar::inspect

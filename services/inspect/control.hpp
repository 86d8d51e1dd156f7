#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/clock.hpp"
#include "services/inspect/counts.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::inspect {

/// Reads what clients ask for. A line is `TAG COMMAND …`; the answers, which begin with the tag,
/// come from `output`, as soon as they are known:
///
///   a scan 4711        and so many bytes of a capture file
///   b stats
///   c quit             when all answers have come
///
/// A command may arrive byte by byte over any number of updates. State: the connections, what of a
/// command has come, the files that are on their way.
class control : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> in{0, "connections"};
  static constexpr out_port<descriptor_packet> files{0, "files"};
  static constexpr out_port<descriptor_packet> connections{1, "connections"};
  static constexpr out_port<record_of<wire::Reply>> replies{2, "replies"};
  static constexpr out_port<record_of<wire::Question>> questions{3, "questions"};
  static constexpr setting_type max_file_setting{
      "max_file", setting_kind::size, "16MiB", false,
      "of a capture file that a client sends; it is kept in memory"};
  static constexpr operator_type base_type{
      .name = "inspect.control",
      .help = "reads what clients ask for",
      .inputs = {in},
      .outputs = {files, connections, replies, questions},
      .state_schema = capnp::typeId<ControlState>(),
      .state_version = 1,
      .settings = {max_file_setting, blocking::interruptible_setting}};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// Connections that are silent for longer than `idle` are closed, if that is given.
  control(const settings& values, std::optional<std::chrono::nanoseconds> idle,
          std::string_view commands);

  struct client {
    std::shared_ptr<descriptor> from;
    std::string input; ///< not understood yet
    std::uint64_t job = 0;
    std::shared_ptr<descriptor> file; ///< of a `scan` that is on its way
    std::uint64_t left = 0;           ///< bytes of it
    bool ends = false;                ///< nothing more is read
    steady::time_point heard = steady::now();
  };

  /// Carries out a command that only this version knows.
  virtual bool other_command(blocking_context&, client&, std::string_view /*tag*/,
                             std::string_view /*command*/) {
    return false;
  }
  static void say(blocking_context& ctx, const client& to, const std::string& line);

private:
  void begin_waiting(blocking_context& ctx);
  std::optional<std::chrono::nanoseconds> until_idle() const;
  void read_from(blocking_context& ctx, client& c);
  void understand(blocking_context& ctx, client& c);
  void carry_out(blocking_context& ctx, client& c, std::string_view line);
  void begin_scan(blocking_context& ctx, client& c, std::string_view tag, std::string_view size);
  std::size_t take_file(blocking_context& ctx, client& c, std::string_view bytes);
  std::uint64_t open_job(blocking_context& ctx, const client& c, std::string_view tag);
  static void answer(blocking_context& ctx, std::uint64_t job, const std::string& line);
  static void refuse(blocking_context& ctx, client& c, const std::string& line);
  void end_some(blocking_context& ctx);

  const std::uint64_t max_file_;
  const std::optional<std::chrono::nanoseconds> idle_;
  const std::string commands_; ///< that this version knows
  std::map<std::uint64_t, client> clients_;
  std::uint64_t jobs_ = 0; ///< so many were begun
  std::deque<std::shared_ptr<descriptor>> waiting_;
};

} // namespace instar::inspect

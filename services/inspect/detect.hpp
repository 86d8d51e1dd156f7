#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/settings.hpp"
#include "inspect_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/inspect/counts.hpp"
#include "services/inspect/inbox.hpp"
#include "services/inspect/matcher.hpp"

#include <memory>
#include <vector>

namespace instar::inspect {

/// Looks for the contents of rules in units, each by itself: so any number of these share the work.
/// The versions differ in how they look.
class detect : public blocking_operator {
public:
  static constexpr in_port<record_of<wire::Units>> in{0, "units"};
  static constexpr out_port<record_of<wire::Results>> out{0, "results"};
  static constexpr counts_port counted{1, "counts"};
  static constexpr operator_type base_type{
      .name = "inspect.detect",
      .help = "looks for the contents of rules",
      .inputs = {in},
      .outputs = {out, counted},
      .state_schema = capnp::typeId<DetectState>(),
      .state_version = 1,
      .settings = {{"rules", setting_kind::path, "", true, "file with the rules"},
                   blocking::interruptible_setting},
      .mergeable = true};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  /// Throws with the reason if the rules cannot be read.
  explicit detect(const settings& values);

  const std::vector<rule> rules_;
  std::unique_ptr<const matcher> matcher_; ///< of these

private:
  payload_ptr<record> look(wire::Units::Reader units, counts& seen) const;

  inbox inbox_;
};

} // namespace instar::inspect

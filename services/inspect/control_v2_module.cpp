#include "actors/module.hpp"
#include "services/inspect/control.hpp"

#include <string>

namespace instar::inspect {
namespace {

/// Closes connections that are silent for too long, and tells the limits.
class control_v2 final : public control {
public:
  static constexpr operator_type type = [] {
    auto made = base_type;
    made.version = 2;
    made.settings = {max_file_setting,
                     {"idle_timeout", setting_kind::duration, "5min", false,
                      "connections on which nothing comes for so long are closed"},
                     blocking::interruptible_setting};
    return made;
  }();

  explicit control_v2(const settings& values)
      : control(values, values.duration("idle_timeout"), "scan, stats, limits and quit"),
        limits_(" limits max_file=" + std::to_string(values.size("max_file")) +
                " idle_timeout=" + std::to_string(values.duration("idle_timeout").count()) + "ns") {
  }

private:
  bool other_command(blocking_context& ctx, client& c, std::string_view tag,
                     std::string_view command) override {
    if (command != "limits") return false;
    say(ctx, c, std::string(tag) + limits_);
    return true;
  }

  const std::string limits_;
};

} // namespace
} // namespace instar::inspect

INSTAR_MODULE("inspect_control_v2", instar::inspect::control_v2)

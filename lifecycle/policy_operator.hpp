#pragma once

#include "actors/metrics.hpp"
#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "lifecycle/policy.hpp"
#include "lifecycle/policy_desk.hpp"
#include "lifecycle/policy_state.capnp.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace instar {

/// Watches the graph that it is in, and asks for transitions by a rule: see POLICIES.md.
///
/// Around a `policy`, it looks again and again, hands on what that asks for, and brings it the
/// outcomes, also those that its predecessor has asked for.
class policy_operator final : public operator_base {
public:
  static constexpr std::string_view type_name = "instar.policy";
  static constexpr operator_type type{
      .name = type_name,
      .version = 1,
      .help = "asks for transitions by a rule",
      .state_schema = capnp::typeId<wire::PolicyState>(),
      .state_version = 1,
      .settings = {
          {"when", setting_kind::text, "", true, "the condition under which it asks"},
          {"for", setting_kind::duration, "5s", false, "so long it has to hold"},
          {"update", setting_kind::text, "", false, "what for: OPERATOR=TYPE@VERSION …"},
          {"apply", setting_kind::path, "", false, "or: the graph file that is to run"},
          {"back_when", setting_kind::text, "", false, "the condition for the way back"},
          {"back_for", setting_kind::duration, "", false, "so long that has to hold; as `for`"},
          {"back_update", setting_kind::text, "", false, "what it asks for then"},
          {"back_apply", setting_kind::path, "", false, "or: the graph file to go back to"},
          {"cool_down", setting_kind::duration, "30s", false, "rest after each change"},
          {"per_hour", setting_kind::integer, "12", false, "so many changes at the most"},
          {"every", setting_kind::duration, "100ms", false, "time between two looks"},
          {"window", setting_kind::duration, "1s", false, "of which rates and means are"},
          {"deadline", setting_kind::duration, "", false, "of what it asks for"},
          {"paused", setting_kind::boolean, "false", false, "begin paused"}}};

  /// Throws `std::invalid_argument` with what is wrong in the rule.
  explicit policy_operator(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context&, std::size_t, packet) override {}
  void on_timer(context& ctx, std::uint64_t tick) override;
  void on_events(context& ctx, std::span<event> events) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  using clock = std::chrono::steady_clock;

  void look(context& ctx);
  void judge(context& ctx, clock::time_point at, const observation& seen);
  void read_and_order(context& ctx, policy::request wanted);
  void order(context& ctx, wanted_graph wanted, std::string cause);
  void show(policy_box::guard& in) const;

  policy core_;
  policy_desk* desk_ = nullptr;
  std::shared_ptr<policy_box> box_;
  bool says_paused_ = false;   // its settings say something else than those before
  std::uint64_t tick_ = 0;     // of the timer that is its own
  std::uint64_t outcomes_ = 0; // so many have come
};

} // namespace instar

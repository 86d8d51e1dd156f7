#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/order.hpp"
#include "lifecycle/policy_status.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// What others see of a running policy, and whether they have paused it. Goes on over updates of
/// the operator. Any thread.
class policy_box {
public:
  /// Held by the policy while it judges and asks, so that nobody can pause it in between.
  class guard {
  public:
    explicit guard(policy_box& of) : lock_(of.guard_), of_(of) {}
    bool paused() const { return of_.paused_; }
    const std::string& by() const { return of_.by_; }
    void show(policy_status now);
    void set_paused(bool paused, std::string by);
    void set_name(std::string_view name) { of_.shown_.name = name; }

  private:
    std::unique_lock<std::mutex> lock_;
    policy_box& of_;
  };

  /// Names it in saved state; see `policy_desk::find`.
  std::uint64_t id() const { return id_; }

  policy_status look() const;
  std::string name() const;

private:
  friend class policy_desk;

  mutable std::mutex guard_;
  std::uint64_t id_ = 0;
  policy_status shown_;
  bool paused_ = false;
  std::string by_;
};

/// Where policies reach the admin actor, and those who look after policies reach them: a resource
/// of every service. Any thread.
class policy_desk {
public:
  static constexpr std::string_view resource_name = "instar.policies";

  /// Turns a graph file into a graph as the service's host does.
  using graph_reader = std::function<graph_file(const std::filesystem::path&)>;
  /// Before the first operator runs.
  void attach(caf::actor admin, graph_reader read);

  // -- for policies --------------------------------------------------------------------------

  /// For one that begins. It is among the policies until the last copy has gone.
  std::shared_ptr<policy_box> open(std::string_view name);
  /// That of a predecessor, which still has it; null if nobody has.
  std::shared_ptr<policy_box> find(std::uint64_t id) const;

  graph_file read_graph(const std::filesystem::path& file) const { return read_(file); }

  /// Asks for a transition, by a message to the admin actor. `done` comes on the supervisor's
  /// thread.
  void order(wanted_graph wanted, std::string who, std::string cause,
             std::chrono::nanoseconds deadline, std::function<void(history_entry)> done) const;

  // -- for others ----------------------------------------------------------------------------

  /// By name.
  std::vector<policy_status> list() const;
  /// Pauses or resumes those named, or all if none is. From the return on, who is paused asks for
  /// nothing.
  std::vector<policy_answer> pause(const std::vector<std::string>& names, bool paused,
                                   const std::string& who);

private:
  std::vector<std::shared_ptr<policy_box>> boxes() const;

  mutable std::mutex guard_;
  std::uint64_t last_id_ = 0;
  std::vector<std::weak_ptr<policy_box>> boxes_;
  caf::actor admin_;
  graph_reader read_;
};

} // namespace instar

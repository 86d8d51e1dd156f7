#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/service.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace instar::instarctl {

/// What instarctl tells whoever called it.
enum exit_code : int {
  done = 0,         ///< `plan`: nothing would change
  no_answer = 1,    ///< the service cannot be reached, or did not answer
  would_change = 2, ///< `plan` only
  refused = 3,
  rolled_back = 4,
  bad_usage = 64,
};

enum class command {
  status,
  graph,
  plan,
  apply,
  update,
  rollback,
  cancel,
  checkpoint,
  checkpoints,
  diff,
  history,
  policy,
  top,
  trace,
  scaffold
};

/// `instarctl policy …`
enum class policy_command { list, why, pause, resume };

struct options {
  command what = command::status;
  std::filesystem::path admin;
  bool json = false;
  bool dot = false;                        ///< graph
  bool quiet = false;                      ///< apply, update: only the outcome
  bool verbose = false;                    ///< apply, update, rollback: a line for each step
  std::filesystem::path file;              ///< plan, apply, diff
  std::vector<setting_override> overrides; ///< plan, apply, diff
  std::vector<operator_update> updates;    ///< plan, update
  consent drop_state;                      ///< plan, apply, update, rollback
  std::chrono::nanoseconds deadline{
      0};                      ///< apply, update, checkpoint, trace; 0 = the service's default
  epoch_t to = 0;              ///< rollback; 0 = what ran before
  std::uint64_t id = 0;        ///< cancel; 0 = the only one there is
  bool all = false;            ///< cancel, policy
  std::vector<epoch_t> epochs; ///< diff; with none and no file: the running graph's file
  std::uint32_t entries = 20;  ///< history
  std::chrono::nanoseconds interval{0}; ///< top
  std::uint32_t count = 0;              ///< top, trace; 0 = until interrupted
  std::string arc;                      ///< trace, and so are all that follow
  std::optional<std::uint64_t> key;     ///< only packets with it are shown
  std::chrono::nanoseconds lasts{0};    ///< 0 = until interrupted
  std::chrono::nanoseconds delay{0};
  double drop = 0;
  std::uint64_t seed = 1;
  bool summary = false; ///< no lines
  policy_command policy = policy_command::list;
  std::vector<std::string> names;             ///< of policies
  std::string old_side, new_side;             ///< scaffold, and so are the next two
  std::vector<std::filesystem::path> modules; ///< where operators are looked for
  std::filesystem::path output;               ///< empty = standard output
};

/// What the command line says, or the exit code after help or a mistake has been printed.
std::variant<options, exit_code> parse_command_line(int argc, const char* const* argv);

} // namespace instar::instarctl

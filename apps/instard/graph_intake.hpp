#pragma once

#include "actors/graph_file.hpp"
#include "lifecycle/own_operators.hpp"
#include "lifecycle/wanted_change.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace instar::instard {

/// Makes graphs out of graph texts the way one daemon wants them: with the overrides that it was
/// started with, and with the places where it looks for modules.
///
/// The rule for overrides: those of the request come first and must fit. Remembered ones apply to
/// every later graph that has an operator of that name whose type declares that setting, and are
/// passed over where it has not. Not thread-safe.
class graph_intake {
public:
  /// Modules are looked for in `first`; if that does not bring all operator types, also where the
  /// graph says; if something is missing still, also in `last`.
  graph_intake(std::vector<std::filesystem::path> first, std::vector<std::filesystem::path> last);

  /// Applies these to every graph that is read from now on; relative paths start at `folder`.
  void remember(std::vector<setting_override> overrides, std::filesystem::path folder);

  graph_file read(const graph_text& given);
  /// The same for a graph that is no text: the one of a checkpoint. Overrides must fit.
  graph_file adopt(graph given, const std::vector<setting_override>& overrides,
                   const std::filesystem::path& folder);

private:
  void settle_places(graph& in);
  bool all_found(const graph& in);
  std::optional<operator_description> describe(const operator_node& op);
  std::optional<setting_kind> kind_of(const setting_override& of, const graph& in);
  setting_override anchored(setting_override given, const std::filesystem::path& folder,
                            const graph& in);

  const std::vector<std::filesystem::path> first_, last_;
  std::vector<setting_override> remembered_;
  std::filesystem::path folder_;
  module_catalogue catalogue_;
  host_library own_ = own_operators();
};

/// Where modules are that came with this program: `modules` beside its folder (a build tree), and
/// `lib/instar/modules` (installed). Only those that exist.
std::vector<std::filesystem::path> installed_modules();

} // namespace instar::instard

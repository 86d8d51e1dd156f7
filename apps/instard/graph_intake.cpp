#include "apps/instard/graph_intake.hpp"

#include <algorithm>
#include <utility>

namespace instar::instard {

graph_intake::graph_intake(std::vector<std::filesystem::path> before,
                           std::vector<std::filesystem::path> after)
    : before_(std::move(before)), after_(std::move(after)) {}

void graph_intake::remember(std::vector<setting_override> overrides, std::filesystem::path folder) {
  remembered_ = std::move(overrides);
  folder_ = std::move(folder);
}

graph_file graph_intake::read(const graph_text& given) {
  const auto with_places = [&](graph_file file) {
    auto& places = file.content.modules;
    places.insert(places.begin(), before_.begin(), before_.end());
    places.insert(places.end(), after_.begin(), after_.end());
    return file;
  };
  auto plain = with_places(parse_graph(given.text, given.origin));
  if (!plain.mistakes.empty() || (remembered_.empty() && given.overrides.empty())) return plain;
  catalogue_.set_places(plain.content.modules);

  std::vector<setting_override> all;
  const auto add = [&](setting_override one) {
    auto same = std::find_if(all.begin(), all.end(), [&](const setting_override& o) {
      return o.operator_name == one.operator_name && o.key == one.key;
    });
    if (same == all.end()) all.push_back(std::move(one));
    else *same = std::move(one);
  };
  for (const auto& one : remembered_)
    if (kind_of(one, plain.content)) add(anchored(one, folder_, plain.content));
  for (const auto& one : given.overrides) add(anchored(one, given.folder, plain.content));
  return all.empty() ? plain : with_places(parse_graph(given.text, given.origin, all));
}

/// Of the setting that an override is about; none if the graph has no such operator, or its type no
/// such setting.
std::optional<setting_kind> graph_intake::kind_of(const setting_override& of, const graph& in) {
  const auto* node = in.find(of.operator_name);
  if (!node) return std::nullopt;
  const auto found = catalogue_.find(node->type, node->version);
  if (!found) return std::nullopt;
  for (const auto& setting : found->type.settings)
    if (setting.name == of.key) return setting.kind;
  return std::nullopt;
}

/// A path given on a command line starts at the folder of that command, not at the graph's.
setting_override graph_intake::anchored(setting_override given, const std::filesystem::path& folder,
                                        const graph& in) {
  const std::filesystem::path path(given.value);
  if (kind_of(given, in) == setting_kind::path && !path.empty() && path.is_relative())
    given.value = (folder / path).lexically_normal().string();
  return given;
}

std::vector<std::filesystem::path> installed_modules() {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return found;
  const auto prefix = program.parent_path().parent_path();
  for (const auto* folder : {"modules", INSTAR_LIBDIR "/instar/modules"})
    if (auto place = prefix / folder; std::filesystem::is_directory(place, error))
      found.push_back(std::move(place));
  return found;
}

} // namespace instar::instard

#include "apps/instard/graph_intake.hpp"

#include "actors/replicas.hpp"

#include <algorithm>
#include <utility>

namespace instar::instard {

graph_intake::graph_intake(std::vector<std::filesystem::path> first,
                           std::vector<std::filesystem::path> last)
    : first_(std::move(first)), last_(std::move(last)) {}

void graph_intake::remember(std::vector<setting_override> overrides, std::filesystem::path folder) {
  remembered_ = std::move(overrides);
  folder_ = std::move(folder);
}

graph_file graph_intake::read(const graph_text& given) {
  auto plain = parse_graph(given.text, given.origin);
  if (!plain.mistakes.empty()) return plain;
  settle_places(plain.content);
  if (remembered_.empty() && given.overrides.empty()) return plain;

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
  auto changed = parse_graph(given.text, given.origin, all);
  changed.content.modules = std::move(plain.content.modules);
  return changed;
}

graph_file graph_intake::adopt(graph given, const std::vector<setting_override>& overrides,
                               const std::filesystem::path& folder) {
  graph_file adopted;
  adopted.content = fold_replicas(given); // settings name all replicas at once
  auto& g = adopted.content;
  settle_places(g);
  for (const auto& one : overrides) {
    const auto op =
        std::find_if(g.operators.begin(), g.operators.end(),
                     [&](const operator_node& o) { return o.name == one.operator_name; });
    if (op == g.operators.end())
      adopted.mistakes.push_back({errc::not_found, "--set " + one.operator_name + "." + one.key +
                                                       ": the graph has no operator '" +
                                                       one.operator_name + "'"});
    else op->values.set(one.key, anchored(one, folder, g).value);
  }
  return adopted;
}

/// Fewer places are better: one type in two different modules is refused.
void graph_intake::settle_places(graph& in) {
  std::vector<std::filesystem::path> places;
  for (const auto* more : {&first_, &std::as_const(in.modules), &last_}) {
    places.insert(places.end(), more->begin(), more->end());
    catalogue_.set_places(places);
    if (all_found(in)) break;
  }
  in.modules = std::move(places);
}

bool graph_intake::all_found(const graph& in) {
  return std::all_of(in.operators.begin(), in.operators.end(), [this](const operator_node& op) {
    return is_own_type(op.type) || catalogue_.find(op.type, op.version);
  });
}

std::optional<operator_description> graph_intake::describe(const operator_node& op) {
  if (is_own_type(op.type)) {
    if (auto own = own_.describe(op.type, op.version)) return *std::move(own);
  } else if (auto found = catalogue_.find(op.type, op.version)) {
    return std::move(found->type);
  }
  return std::nullopt;
}

/// Of the setting that an override is about; none if the graph has no such operator, or its type no
/// such setting.
std::optional<setting_kind> graph_intake::kind_of(const setting_override& of, const graph& in) {
  const auto* node = in.find(of.operator_name);
  if (!node) return std::nullopt;
  const auto found = describe(*node);
  if (!found) return std::nullopt;
  for (const auto& setting : found->settings)
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

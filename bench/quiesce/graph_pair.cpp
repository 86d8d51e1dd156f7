#include "bench/quiesce/graph_pair.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace instar::bench {

namespace {

const setting_description* setting(const operator_description& type, std::string_view name,
                                   setting_kind kind) {
  const auto found =
      std::find_if(type.settings.begin(), type.settings.end(),
                   [&](const setting_description& s) { return s.name == name && s.kind == kind; });
  return found == type.settings.end() ? nullptr : &*found;
}

/// Also where the default is a path: it would start elsewhere.
result<void> anchor_paths(operator_node& op, const operator_description& type,
                          const std::filesystem::path& base) {
  for (const auto& s : type.settings) {
    if (s.kind != setting_kind::path) continue;
    const auto given = op.values.all().find(s.name);
    const auto* text = given == op.values.all().end() ? &s.default_value
                                                      : std::get_if<std::string>(&given->second);
    if (!text || text->empty()) continue;
    auto path = parse_setting(*text, s.kind, base);
    if (!path)
      return failure{errc::bad_input, "operator '" + op.name + "': setting '" + s.name +
                                          "': " + path.error().message};
    op.values.set(s.name, std::move(*path));
  }
  return {};
}

/// Whether there is a newer version, which it becomes.
bool renew(operator_node& op, const std::vector<operator_description>& versions) {
  const auto newer = std::find_if(versions.begin(), versions.end(),
                                  [&](const auto& v) { return v.version > op.version; });
  if (newer != versions.end()) {
    op.version = newer->version;
    return true;
  }
  constexpr std::uint32_t most = 1'000'000; // that a graph file may say
  auto& limit = op.on_error.limit;
  limit = limit < most ? limit + 1 : limit - 1;
  return false;
}

} // namespace

result<graph_pair> make_graph_pair(graph given, const versions_of_type& versions,
                                   bool interruptible) {
  graph_pair made;
  const auto base = given.origin.parent_path();
  made.before = std::move(given);
  made.after = made.before;
  for (std::size_t i = 0; i < made.before.operators.size(); ++i) {
    auto& op = made.before.operators[i];
    const auto known = versions(op.type);
    const auto type = std::find_if(known.begin(), known.end(),
                                   [&](const auto& v) { return v.version == op.version; });
    if (type == known.end())
      return failure{errc::not_found, "operator '" + op.name + "': no module brings " +
                                          op.reference() + "; build it first"};
    if (auto done = anchor_paths(op, *type, base); !done) return done.error();
    if (setting(*type, "port", setting_kind::integer)) op.values.set("port", std::int64_t{0});
    const bool blocks = setting(*type, "interruptible", setting_kind::boolean) != nullptr;
    if (blocks) {
      op.values.set("interruptible", interruptible);
      made.blocking.push_back(op.name);
      made.threads += op.replicas;
    }
    made.operators += op.replicas;
    made.after.operators[i] = op;
    if (!renew(made.after.operators[i], known) && blocks) made.anew.push_back(op.name);
  }
  if (made.blocking.empty())
    return failure{errc::bad_input, "graph '" + made.before.name +
                                        "' has no operator whose type has the boolean setting "
                                        "'interruptible', so no thread to wait for"};
  return made;
}

} // namespace instar::bench

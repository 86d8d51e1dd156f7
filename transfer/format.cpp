#include "transfer/format.hpp"

#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace instar {

namespace {

/// Dijkstra's algorithm. A node is a converter that has been applied, or a format that has been
/// written: what the state is in then, with whose version of the schema.
class search {
public:
  explicit search(const format_question& q) : q_(q), exports_(q.exports.size()) {
    reached_.resize(exports_ + converters().size());
  }

  std::optional<format_route> run() {
    for (std::size_t i = 0; i < exports_; ++i) reach(i, {q_.exports[i].cost, 0}, none);
    while (!open_.empty()) {
      const auto [best, node] = *open_.begin();
      open_.erase(open_.begin());
      if (node == none) return route();
      reached_[node].done = true;
      finish(node, best);
      for (std::size_t c = 0; c < converters().size(); ++c)
        if (!reached_[exports_ + c].done &&
            readable(node, converters()[c].schemas, converters()[c].from))
          reach(exports_ + c, {best.first + converters()[c].cost, best.second + 1}, node);
    }
    return std::nullopt;
  }

  /// What check_compatible complained of on the way; empty if no schemas met.
  const std::string& obstacle() const { return obstacle_; }

private:
  using distance = std::pair<std::uint64_t, std::size_t>; // cost, converters
  static constexpr auto none = std::numeric_limits<std::size_t>::max();
  struct place {
    std::optional<distance> best;
    std::size_t before = none;
    bool done = false;
  };

  const std::vector<offered_converter>& converters() const {
    static const std::vector<offered_converter> nothing;
    return q_.converters ? *q_.converters : nothing;
  }
  std::uint64_t type_at(std::size_t node) const {
    return node < exports_ ? q_.exports[node].schema : converters()[node - exports_].to;
  }
  const schema_set& schemas_at(std::size_t node) const {
    return node < exports_ ? q_.from_schemas : converters()[node - exports_].schemas;
  }

  bool readable(std::size_t node, const schema_set& reader, std::uint64_t type) {
    if (type_at(node) != type) return false;
    const auto fits = check_compatible(schemas_at(node), type, reader, type);
    if (!fits && obstacle_.empty()) obstacle_ = fits.error().message;
    return bool(fits);
  }

  void reach(std::size_t node, distance at, std::size_t before) {
    auto& there = reached_[node];
    if (there.best && *there.best <= at) return;
    if (there.best) open_.erase({*there.best, node});
    there.best = at;
    there.before = before;
    open_.emplace(at, node);
  }

  /// The end, as one more node.
  void finish(std::size_t node, distance at) {
    for (const auto& import : q_.imports) {
      const distance sum{at.first + import.cost, at.second};
      if (end_ && *end_ <= sum) continue;
      if (!readable(node, q_.to_schemas, import.schema)) continue;
      if (end_) open_.erase({*end_, none});
      end_ = sum;
      last_ = node;
      read_ = import.schema;
      open_.emplace(sum, none);
    }
  }

  format_route route() const {
    format_route found;
    found.read = read_;
    found.cost = end_->first;
    auto node = last_;
    for (; node >= exports_; node = reached_[node].before)
      found.steps.insert(found.steps.begin(), node - exports_);
    found.written = q_.exports[node].schema;
    return found;
  }

  const format_question& q_;
  const std::size_t exports_;
  std::vector<place> reached_;
  std::set<std::pair<distance, std::size_t>> open_;
  std::optional<distance> end_;
  std::size_t last_ = none;
  std::uint64_t read_ = 0;
  std::string obstacle_;
};

std::string names(const std::vector<offered_format>& formats, const schema_set& in) {
  std::string text;
  for (const auto& f : formats) text += (text.empty() ? "" : ", ") + in.display_name(f.schema);
  return text;
}

} // namespace

result<format_route> negotiate(const format_question& question) {
  search through(question);
  if (auto found = through.run()) return *std::move(found);
  if (!through.obstacle().empty()) return failure{errc::incompatible, through.obstacle()};
  return failure{errc::incompatible, "no converter leads from " +
                                         names(question.exports, question.from_schemas) + " to " +
                                         names(question.imports, question.to_schemas) +
                                         "; `instarctl scaffold " + question.from_name + " " +
                                         question.to_name + "` writes a skeleton of one"};
}

} // namespace instar

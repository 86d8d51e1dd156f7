#include "lifecycle/policy_metrics.hpp"

#include "actors/nearest.hpp"
#include "lifecycle/policy_known_metrics.hpp"

#include <algorithm>
#include <utility>

namespace instar {

using namespace known_metrics;

namespace {

bool is_word(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != more.npos;
  });
}

bool is_operator_name(std::string_view text) { return is_word(text, "_-"); }
bool is_series_name(std::string_view text) { return is_word(text, "_"); }

failure wrong(const std::string& what) { return {errc::bad_input, what}; }

/// `op` or `op.port`.
bool read_end(std::string_view text, std::string& op, std::string& port) {
  text = policy_trimmed(text);
  const auto dot = std::min(text.find('.'), text.size());
  op = text.substr(0, dot);
  port = dot < text.size() ? text.substr(dot + 1) : "";
  return is_operator_name(op) && (dot == text.size() || is_operator_name(port));
}

result<metric_use> parse_arc(metric_use made, std::string_view given, std::string_view arguments) {
  const auto arrow = arguments.find("->");
  if (arrow == arguments.npos || !read_end(arguments.substr(0, arrow), made.from, made.from_port) ||
      !read_end(arguments.substr(arrow + 2), made.op, made.op_port))
    return wrong("'" + std::string(given) + "' names no arc; write for example '" + made.name +
                 "(parse -> load)'");
  return made;
}

/// `{a="x", b="y"}`, taken off the front of `text`.
result<void> read_labels(metric_use& made, std::string_view& text) {
  const auto none = wrong("the labels of '" + made.series + "' are none; write for example " +
                          made.series + "{code=\"5xx\"}");
  text.remove_prefix(1);
  while (true) {
    const auto equals = text.find('=');
    if (equals == text.npos) return none;
    const auto label = policy_trimmed(text.substr(0, equals));
    text = policy_trimmed(text.substr(equals + 1));
    const auto end = text.find('"', 1);
    if (!is_series_name(label) || !text.starts_with('"') || end == text.npos) return none;
    made.labels.emplace_back(label, text.substr(1, end - 1));
    text = policy_trimmed(text.substr(end + 1));
    if (text.starts_with(',')) {
      text = policy_trimmed(text.substr(1));
      continue;
    }
    if (!text.starts_with('}')) return none;
    text = policy_trimmed(text.substr(1));
    std::sort(made.labels.begin(), made.labels.end());
    return {};
  }
}

policy_unit unit_of_series(std::string_view name) {
  const bool counter = name.ends_with("_total");
  if (counter) name.remove_suffix(std::string_view("_total").size());
  if (name.ends_with("_seconds")) return counter ? policy_unit::share : policy_unit::time;
  if (name.ends_with("_bytes")) return counter ? policy_unit::byte_rate : policy_unit::bytes;
  if (name.ends_with("_ratio") && !counter) return policy_unit::share;
  return counter ? policy_unit::rate : policy_unit::count;
}

/// `OPERATOR, NAME{labels}, p99`; the last two may be left out.
result<metric_use> parse_own(metric_use made, std::string_view arguments) {
  const auto form = wrong("'own(" + std::string(arguments) +
                          ")' is no metric; write for example own(cache, hits_total)");
  const auto comma = arguments.find(',');
  if (comma == arguments.npos) return form;
  made.op = policy_trimmed(arguments.substr(0, comma));
  auto rest = policy_trimmed(arguments.substr(comma + 1));
  const auto end = std::min(rest.find_first_of("{, \t\r\n"), rest.size());
  made.series = rest.substr(0, end);
  rest = policy_trimmed(rest.substr(end));
  if (!is_operator_name(made.op) || !is_series_name(made.series)) return form;
  if (rest.starts_with('{'))
    if (const auto read = read_labels(made, rest); !read) return read.error();
  made.unit = unit_of_series(made.series);
  if (rest.empty()) return made;
  if (!rest.starts_with(',')) return form;
  rest = policy_trimmed(rest.substr(1));
  const auto percent = rest.starts_with('p') ? policy_number(rest.substr(1)) : std::nullopt;
  if (!percent || *percent <= 0 || *percent >= 100)
    return wrong("'" + std::string(rest) + "' is no quantile; write for example p99");
  if (made.series.ends_with("_total"))
    return wrong("'" + made.series + "' is a counter, by its name, and has no quantiles; leave '" +
                 std::string(rest) + "' out");
  made.quantile = *percent / 100;
  return made;
}

} // namespace

bool is_metric(std::string_view name) { return find_known(name) != nullptr; }

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const auto& one : all) names.emplace_back(one.name);
  return names;
}

result<metric_use> parse_metric(std::string_view name, std::string_view given) {
  const auto* known = find_known(name);
  if (!known)
    return wrong("'" + std::string(name) + "' is no metric" + suggest(name, metric_names()));
  metric_use made;
  made.name = name;
  made.unit = known->unit;
  const auto arguments = policy_trimmed(given);
  const auto text = made.name + "(" + std::string(arguments) + ")";
  switch (known->of) {
  case subject::own:
    return parse_own(std::move(made), arguments);
  case subject::arc:
    return parse_arc(std::move(made), text, arguments);
  case subject::service:
    if (arguments.empty()) return made;
    return wrong("'" + text + "' is of the whole service; write '" + made.name + "'");
  case subject::arc_or_operator:
    if (arguments.find("->") != arguments.npos) return parse_arc(std::move(made), text, arguments);
    break;
  case subject::op:
    break;
  }
  made.op = arguments;
  if (is_operator_name(made.op)) return made;
  return wrong("'" + text + "' names no operator; write for example '" + made.name + "(load)'");
}

std::string metric_use::text() const {
  if (op.empty()) return name;
  const auto end = [](const std::string& one, const std::string& port) {
    return port.empty() ? one : one + "." + port;
  };
  if (!from.empty()) return name + "(" + end(from, from_port) + " -> " + end(op, op_port) + ")";
  if (series.empty()) return name + "(" + op + ")";
  auto made = name + "(" + op + ", " + series;
  std::string all;
  for (const auto& [label, value] : labels)
    all += (all.empty() ? "" : ",") + label + "=\"" + value + "\"";
  if (!all.empty()) made += "{" + all + "}";
  if (quantile > 0) made += ", p" + value_text(quantile * 100, policy_unit::count);
  return made + ")";
}

} // namespace instar

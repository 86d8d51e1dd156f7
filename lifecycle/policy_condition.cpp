#include "lifecycle/policy_condition.hpp"

#include "actors/nearest.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace instar {

namespace {

constexpr std::size_t longest_text = 2000;
constexpr std::size_t most_comparisons = 8;
constexpr std::size_t most_metrics = 16;
constexpr int deepest = 16;
constexpr double without_end = std::numeric_limits<double>::infinity();

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads a condition from left to right; the first mistake ends it.
class parser {
public:
  parser(std::string_view text, std::vector<metric_use>& metrics)
      : text_(text), rest_(text), metrics_(metrics) {}

  result<condition> run() {
    if (text_.size() > longest_text)
      return failure{errc::bad_input, "it has more than " + std::to_string(longest_text) +
                                          " characters; write a shorter one"};
    condition made;
    do made.all.push_back(read_comparison());
    while (!wrong_ && made.all.size() < most_comparisons && take_word("and"));
    skip_blanks();
    if (!wrong_ && !rest_.empty())
      complain(made.all.size() == most_comparisons
                   ? "there are more than " + std::to_string(most_comparisons) +
                         " comparisons; write another policy for the rest"
                   : "after '" + made.all.back().text() + "' comes '" + std::string(rest_) +
                         "'; join comparisons with 'and'");
    if (wrong_) return *std::move(wrong_);
    return made;
  }

private:
  /// A part of an expression, as it is written anew.
  struct part {
    std::string text;
    policy_unit unit = policy_unit::count;
    bool sum = false;
  };

  void complain(const std::string& what) {
    if (!wrong_) wrong_ = failure{errc::bad_input, what};
  }

  void skip_blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' ||
                              rest_.front() == '\n' || rest_.front() == '\r'))
      rest_.remove_prefix(1);
  }
  bool take(std::string_view what) {
    skip_blanks();
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }
  std::string_view word() {
    skip_blanks();
    std::size_t n = 0;
    while (n < rest_.size() && (is_letter(rest_[n]) || (n > 0 && is_digit(rest_[n])))) ++n;
    return rest_.substr(0, n);
  }
  bool take_word(std::string_view what) {
    if (word() != what) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  comparison read_comparison() {
    comparison made;
    const auto left = read_sum(made, 0);
    made.expression = left.text;
    made.unit = left.unit;
    if (wrong_) return made;
    if (take(">=")) made.is = relation::greater_equal;
    else if (take("<=")) made.is = relation::less_equal;
    else if (take(">")) made.is = relation::greater;
    else if (take("<")) made.is = relation::less;
    else {
      complain("'" + left.text + "' is not compared with anything; write for example '" +
               left.text + " > THRESHOLD'");
      return made;
    }
    read_threshold(made);
    return made;
  }

  /// A number and what sticks to it, or follows it and is no `and`.
  void read_threshold(comparison& into) {
    skip_blanks();
    std::size_t n = 0;
    while (n < rest_.size() && (is_digit(rest_[n]) || rest_[n] == '.')) ++n;
    const auto number = n;
    std::size_t unit = n;
    while (unit < rest_.size() && rest_[unit] == ' ') ++unit;
    auto end = unit;
    while (end < rest_.size() && (is_letter(rest_[end]) || rest_[end] == '%' || rest_[end] == '/'))
      ++end;
    const auto after = rest_.substr(unit, end - unit);
    if (unit > number && (after == "and" || after == "or")) end = number;
    if (number == 0)
      return complain("'" + into.expression + " " + to_string(into.is) +
                      "' is followed by no number; write a threshold there");
    const auto value = parse_threshold(rest_.substr(0, end), into.unit);
    if (!value)
      return complain("'" + into.expression + "' is compared with " + value.error().message);
    into.threshold = *value;
    rest_.remove_prefix(end);
  }

  part read_sum(comparison& into, int depth) {
    auto left = read_quotient(into, depth);
    while (!wrong_ && take("+")) {
      const auto right = read_quotient(into, depth);
      if (wrong_) break;
      if (left.unit != right.unit)
        complain("'" + left.text + "' is a " + std::string(to_string(left.unit)) + " and '" +
                 right.text + "' a " + std::string(to_string(right.unit)) +
                 "; only what is of one kind can be added");
      into.steps.push_back({comparison::action::add});
      left.text += " + " + right.text;
      left.sum = true;
    }
    return left;
  }

  part read_quotient(comparison& into, int depth) {
    auto left = read_term(into, depth);
    while (!wrong_ && take("/")) {
      const auto right = read_term(into, depth);
      if (wrong_) break;
      const auto unit = divide(left.unit, right.unit);
      if (!unit)
        complain("'" + left.text + " / " + right.text + "' divides a " +
                 std::string(to_string(left.unit)) + " by a " + std::string(to_string(right.unit)) +
                 ", for which there is no unit; compare each with a threshold of its own");
      into.steps.push_back({comparison::action::divide});
      left.text = in_parentheses(left) + " / " + in_parentheses(right);
      left.sum = false;
      if (unit) left.unit = *unit;
    }
    return left;
  }

  static std::string in_parentheses(const part& p) { return p.sum ? "(" + p.text + ")" : p.text; }

  part read_term(comparison& into, int depth) {
    if (depth >= deepest) complain("the parentheses are too deep; write it simpler");
    if (wrong_) return {};
    if (take("(")) {
      auto inner = read_sum(into, depth + 1);
      if (!wrong_ && !take(")")) complain("'(" + inner.text + "' has no ')'; add one after it");
      return inner;
    }
    return read_metric_use(into);
  }

  part read_metric_use(comparison& into) {
    const auto name = word();
    if (name.empty()) {
      complain(rest_.empty() ? "it ends where a metric is expected" + suggest("", metric_names())
                             : "'" + std::string(rest_) + "' begins with no metric" +
                                   suggest("", metric_names()));
      return {};
    }
    rest_.remove_prefix(name.size());
    std::string_view arguments;
    if (is_metric(name) && take("(")) {
      const auto end = end_of_arguments();
      if (end == rest_.npos) {
        complain("'" + std::string(name) + "(" + std::string(rest_) + "' has no ')'; add one");
        return {};
      }
      arguments = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
    }
    auto metric = parse_metric(name, arguments);
    if (!metric) {
      complain(metric.error().message);
      return {};
    }
    into.steps.push_back({comparison::action::take, number_of(*metric)});
    return {metric->text(), metric->unit, false};
  }

  /// Text in quotes may have parentheses in it.
  std::size_t end_of_arguments() const {
    bool quoted = false;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '"') quoted = !quoted;
      if (rest_[i] == ')' && !quoted) return i;
    }
    return rest_.npos;
  }

  std::size_t number_of(const metric_use& metric) {
    const auto text = metric.text();
    for (std::size_t i = 0; i < metrics_.size(); ++i)
      if (metrics_[i].text() == text) return i;
    if (metrics_.size() >= most_metrics)
      complain("there are more than " + std::to_string(most_metrics) +
               " metrics; write another policy for the rest");
    metrics_.push_back(metric);
    return metrics_.size() - 1;
  }

  const std::string_view text_;
  std::string_view rest_;
  std::vector<metric_use>& metrics_;
  std::optional<failure> wrong_;
};

using ranges = std::map<std::string, value_range>;

ranges ranges_of(const condition& c) {
  ranges made;
  for (const auto& one : c.all) {
    const auto [at, fresh] = made.try_emplace(one.expression, one.range());
    if (!fresh) at->second = at->second.and_also(one.range());
  }
  return made;
}

bool within(const ranges& some, const ranges& others) {
  return std::all_of(some.begin(), some.end(),
                     [&](const auto& one) { return others.count(one.first) > 0; });
}

} // namespace

const char* to_string(relation r) {
  switch (r) {
  case relation::less:
    return "<";
  case relation::less_equal:
    return "<=";
  case relation::greater:
    return ">";
  case relation::greater_equal:
    break;
  }
  return ">=";
}

value_range value_range::and_also(const value_range& other) const {
  auto both = *this;
  if (other.from > both.from || (other.from == both.from && !other.with_from)) {
    both.from = other.from;
    both.with_from = other.with_from;
  }
  if (other.to < both.to || (other.to == both.to && !other.with_to)) {
    both.to = other.to;
    both.with_to = other.with_to;
  }
  return both;
}

metric_window::value comparison::evaluate(const std::vector<metric_window::value>& values) const {
  std::vector<double> stack;
  for (const auto& one : steps) {
    if (one.what == action::take) {
      const auto& value = values[one.metric];
      if (!value.number) return value;
      stack.push_back(*value.number);
      continue;
    }
    const double right = stack.back();
    stack.pop_back();
    if (one.what == action::add) stack.back() += right;
    else if (right == 0) return {std::nullopt, "there is nothing to divide by: it is 0"};
    else stack.back() /= right;
  }
  return {stack.back(), {}};
}

bool comparison::holds(double value) const {
  switch (is) {
  case relation::less:
    return value < threshold;
  case relation::less_equal:
    return value <= threshold;
  case relation::greater:
    return value > threshold;
  case relation::greater_equal:
    break;
  }
  return value >= threshold;
}

value_range comparison::range() const {
  const bool below = is == relation::less || is == relation::less_equal;
  const bool with = is == relation::less_equal || is == relation::greater_equal;
  if (below) return {0, threshold, true, with};
  return {threshold, without_end, with, true};
}

std::string comparison::text() const {
  return expression + " " + to_string(is) + " " + value_text(threshold, unit);
}

std::string condition::text() const {
  std::string made;
  for (const auto& one : all) made += (made.empty() ? "" : " and ") + one.text();
  return made;
}

result<condition> parse_condition(std::string_view text, std::vector<metric_use>& metrics) {
  return parser(text, metrics).run();
}

std::string flaw_of(const condition& c) {
  for (const auto& one : c.all) {
    if (one.range().empty()) return "'" + one.text() + "' never holds: no value is below 0";
    if (one.is == relation::greater_equal && one.threshold == 0)
      return "'" + one.text() + "' always holds: no value is below 0";
  }
  for (const auto& [expression, range] : ranges_of(c))
    if (range.empty()) return "what it says of '" + expression + "' cannot hold at once";
  return {};
}

std::string contradiction(const condition& there, const condition& back) {
  const auto away = ranges_of(there), home = ranges_of(back);
  std::string both, touching;
  for (const auto& [expression, range] : away) {
    const auto other = home.find(expression);
    if (other == home.end()) continue;
    const auto shared = range.and_also(other->second);
    if (!shared.empty()) both = expression;
    else if (shared.from == shared.to) touching = expression;
    else return {};
  }
  if (!touching.empty())
    return "there is no gap between them at '" + touching +
           "', so that a value about there would lead to and fro; move one of the thresholds";
  if (both.empty() || !(within(away, home) || within(home, away))) return {};
  return "both hold for some values of '" + both +
         "', so that it would lead to and fro; move the thresholds apart";
}

} // namespace instar

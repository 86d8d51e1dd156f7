#include "actors/own_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace instar {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

/// Empty if all is well.
std::string mistake_in(const metric_description& of) {
  if (!is_name(of.name)) return "its name must be of letters, digits and underscores";
  if (of.help.find('\n') != std::string::npos) return "its help must be one line";
  if ((of.kind == metric_kind::counter) != of.name.ends_with("_total"))
    return "the name of a counter, and of no other, must end in _total";
  for (const auto& [label, value] : of.labels)
    if (!is_name(label) || label.starts_with("__") || label == "operator" || label == "le")
      return "'" + label + "' cannot be a label; operator and le are set by others";
  if (!std::isfinite(of.unit) || of.unit <= 0) return "its unit must be above 0";
  if ((of.kind == metric_kind::histogram) == of.bounds.empty())
    return "a histogram, and no other, needs bounds";
  if (std::adjacent_find(of.bounds.begin(), of.bounds.end(), std::greater_equal<>()) !=
      of.bounds.end())
    return "its bounds must ascend";
  return {};
}

} // namespace

own_metrics::own_metrics(std::vector<metric_description> what) : what_(std::move(what)) {
  std::vector<std::string> keys;
  std::size_t cells = 0;
  for (const auto& one : what_) {
    auto wrong = mistake_in(one);
    auto key = key_of(one);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) wrong = "it is there twice";
    if (!wrong.empty()) throw std::invalid_argument("metric '" + one.name + "': " + wrong);
    keys.push_back(std::move(key));
    first_.push_back(cells);
    cells += one.kind == metric_kind::histogram ? one.bounds.size() + 2 : 1;
  }
  first_.push_back(cells);
  cells_ = std::make_unique<cell[]>(cells);
}

own_metrics::~own_metrics() = default;

std::vector<metric_sample> own_metrics::samples() const {
  std::vector<metric_sample> made;
  made.reserve(what_.size());
  for (std::size_t i = 0; i < what_.size(); ++i) {
    auto read = numbers(i);
    metric_sample one{what_[i], static_cast<double>(read.front()) * what_[i].unit, {}};
    if (read.size() > 1) one.counts.assign(read.begin() + 1, read.end());
    made.push_back(std::move(one));
  }
  return made;
}

std::string own_metrics::key_of(const metric_description& of) {
  std::string key = of.name;
  for (const auto& [label, value] : of.labels) key += ";" + label + "=" + value;
  for (const auto bound : of.bounds) key += "<" + std::to_string(bound);
  return key;
}

std::vector<std::uint64_t> own_metrics::numbers(std::size_t which) const {
  std::vector<std::uint64_t> read(size_of(which));
  for (std::size_t i = 0; i < read.size(); ++i)
    read[i] = cells_[first_[which] + i].load(std::memory_order_relaxed);
  return read;
}

void own_metrics::set_numbers(std::size_t which, std::span<const std::uint64_t> numbers) noexcept {
  if (numbers.size() != size_of(which)) return;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    cells_[first_[which] + i].store(numbers[i], std::memory_order_relaxed);
}

} // namespace instar

#include "services/exposition.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace instar::test {

namespace {

bool is_first(char c, bool of_label) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c == ':' && !of_label);
}

/// Takes a name away from the front; empty if there is none.
std::string take_name(std::string_view& rest, bool of_label = false) {
  std::size_t size = 0;
  while (size < rest.size() &&
         (is_first(rest[size], of_label) || (size > 0 && rest[size] >= '0' && rest[size] <= '9')))
    ++size;
  std::string name(rest.substr(0, size));
  rest.remove_prefix(size);
  return name;
}

bool take(std::string_view& rest, char c) {
  if (rest.empty() || rest.front() != c) return false;
  rest.remove_prefix(1);
  return true;
}

/// Whether it is a number as Go would read it, and nothing else.
bool read_number(std::string_view text, double& into) {
  if (text == "+Inf") return into = std::numeric_limits<double>::infinity(), true;
  if (text == "-Inf") return into = -std::numeric_limits<double>::infinity(), true;
  if (text == "NaN" || text == "Nan") return into = std::nan(""), true;
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != text.npos) return false;
  const std::string copy(text);
  char* end = nullptr;
  into = std::strtod(copy.c_str(), &end);
  return *end == '\0';
}

} // namespace

exposition::exposition(std::string_view text) {
  if (!text.ends_with('\n')) mistakes.push_back("the last line has no end");
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    if (line.front() == '#') read_comment(line);
    else read_sample(line);
  }
  check_histograms();
}

void exposition::wrong(std::string_view line, const std::string& why) {
  mistakes.push_back(why + ": " + std::string(line));
}

void exposition::read_comment(std::string_view line) {
  auto rest = line;
  const bool help = rest.starts_with("# HELP "), type = rest.starts_with("# TYPE ");
  if (!help && !type) return wrong(line, "neither HELP nor TYPE");
  rest.remove_prefix(7);
  const auto name = take_name(rest);
  if (name.empty() || !take(rest, ' ')) return wrong(line, "no name, or nothing after it");
  if (name != current_) {
    if (!current_.empty()) over_.insert(current_);
    if (over_.count(name)) wrong(line, "its lines are not together");
    current_ = name;
  }
  if (help) {
    if (!helped_.insert(name).second) wrong(line, "a second HELP");
    for (std::size_t i = 0; i < rest.size(); ++i)
      if (rest[i] == '\\' && (++i == rest.size() || (rest[i] != '\\' && rest[i] != 'n')))
        wrong(line, "a bad escape");
    return;
  }
  static const std::set<std::string_view> known = {"counter", "gauge", "histogram", "summary",
                                                   "untyped"};
  if (!known.count(rest)) wrong(line, "no such type");
  if (!types.emplace(name, rest).second) wrong(line, "a second TYPE");
  if (rest == "counter" && !name.ends_with("_total")) wrong(line, "a counter without _total");
}

bool exposition::read_labels(std::string_view& rest, label_map& into) {
  while (!take(rest, '}')) {
    const auto name = take_name(rest, true);
    if (name.empty() || !take(rest, '=') || !take(rest, '"')) return false;
    std::string value;
    while (true) {
      if (rest.empty()) return false;
      const char c = rest.front();
      rest.remove_prefix(1);
      if (c == '"') break;
      if (c != '\\') {
        value += c;
        continue;
      }
      if (take(rest, '\\')) value += '\\';
      else if (take(rest, '"')) value += '"';
      else if (take(rest, 'n')) value += '\n';
      else return false;
    }
    if (!into.emplace(name, value).second) return false;
    if (!take(rest, ',') && !rest.starts_with('}')) return false;
  }
  return true;
}

std::string exposition::family_of(const std::string& name) const {
  if (types.count(name)) return name;
  for (const std::string_view ending : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(ending)) continue;
    const auto found = types.find(name.substr(0, name.size() - ending.size()));
    if (found != types.end() && found->second == "histogram") return found->first;
  }
  return {};
}

void exposition::read_sample(std::string_view line) {
  auto rest = line;
  const auto name = take_name(rest);
  label_map labels;
  if (name.empty()) return wrong(line, "no name");
  if (take(rest, '{') && !read_labels(rest, labels)) return wrong(line, "bad labels");
  double value = 0;
  if (!take(rest, ' ') || !read_number(rest, value)) return wrong(line, "no value, or more");
  const auto family = family_of(name);
  if (family.empty()) return wrong(line, "no TYPE before it");
  if (family != current_) wrong(line, "its lines are not together");
  const auto& type = types.at(family);
  if (type == "histogram" && family == name) wrong(line, "a histogram has no value");
  if (type == "counter" && !(value >= 0)) wrong(line, "a counter below zero");
  if (!series.emplace(std::pair(name, labels), value).second) wrong(line, "is there twice");
}

void exposition::check_histograms() {
  for (const auto& [family, type] : types) {
    if (type != "histogram") continue;
    std::map<label_map, std::map<double, double>> buckets; // by labels without le, by le
    for (const auto& [key, value] : series) {
      if (key.first != family + "_bucket") continue;
      auto labels = key.second;
      double bound = 0;
      if (!labels.count("le") || !read_number(labels["le"], bound))
        return wrong(family, "a bucket without a bound");
      labels.erase("le");
      buckets[labels][bound] = value;
    }
    for (const auto& [key, value] : series)
      if (key.first == family + "_count" && !buckets.count(key.second))
        wrong(family, "a count without buckets");
    for (const auto& [labels, by_bound] : buckets) {
      double before = 0;
      for (const auto& [bound, count] : by_bound) {
        if (count < before) wrong(family, "buckets that shrink");
        before = count;
      }
      if (!std::isinf(by_bound.rbegin()->first)) wrong(family, "no +Inf");
      if (value(family + "_count", labels) != before) wrong(family, "count is not that of +Inf");
      const auto total = value(family + "_sum", labels);
      if (!(total >= 0) || (before == 0 && total != 0)) wrong(family, "a sum that cannot be");
    }
  }
}

double exposition::sum(const std::string& name, const label_map& labels) const {
  double all = 0;
  for (const auto& [key, value] : series)
    if (key.first == name &&
        std::all_of(labels.begin(), labels.end(), [&has = key.second](const auto& l) {
          const auto found = has.find(l.first);
          return found != has.end() && found->second == l.second;
        }))
      all += value;
  return all;
}

std::set<std::pair<std::string, label_map>> exposition::keys() const {
  std::set<std::pair<std::string, label_map>> all;
  for (const auto& [key, value] : series) all.insert(key);
  return all;
}

} // namespace instar::test

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::test {

using label_map = std::map<std::string, std::string>;

/// A page of metrics, read strictly by the text format of Prometheus, version 0.0.4: whatever it
/// does not allow is a mistake, as is a histogram that does not add up.
class exposition {
public:
  explicit exposition(std::string_view text);

  std::vector<std::string> mistakes;
  std::map<std::string, std::string> types; ///< by family
  std::map<std::pair<std::string, label_map>, double> series;

  /// -1 if there is no such series.
  double value(const std::string& name, const label_map& labels = {}) const {
    const auto found = series.find({name, labels});
    return found == series.end() ? -1 : found->second;
  }
  /// Of all series of that name that have these labels, among others.
  double sum(const std::string& name, const label_map& labels = {}) const;
  /// All series by name and labels, without their values.
  std::set<std::pair<std::string, label_map>> keys() const;

private:
  void read_comment(std::string_view line);
  void read_sample(std::string_view line);
  bool read_labels(std::string_view& rest, label_map& into);
  std::string family_of(const std::string& name) const;
  void check_histograms();
  void wrong(std::string_view line, const std::string& why);

  std::set<std::string> helped_, over_;
  std::string current_; // family whose lines these are
};

} // namespace instar::test

#pragma once

#include "actors/operator_type.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>

namespace instar {

/// A setting's value: text and path as string, integer, duration (ns) and size (bytes) as integer.
using setting_value = std::variant<std::string, std::int64_t, double, bool>;

/// Settings of one operator, checked against its type and with the defaults filled in.
///
/// Reading a setting that the operator's type does not declare, or as another kind, is a mistake
/// in the operator: it throws `std::logic_error` with the names.
class settings {
public:
  const std::string& text(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  bool boolean(std::string_view name) const;
  std::chrono::nanoseconds duration(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;
  std::filesystem::path path(std::string_view name) const;

  void set(std::string name, setting_value value);
  const std::map<std::string, setting_value, std::less<>>& all() const { return values_; }

  bool operator==(const settings&) const = default;

private:
  std::map<std::string, setting_value, std::less<>> values_;
};

/// Parses one setting's text as `kind`. Relative paths are taken from `base`.
/// The failure says what was expected and gives an example.
result<setting_value> parse_setting(std::string_view text, setting_kind kind,
                                    const std::filesystem::path& base);

/// A value as the graph file would write it.
std::string to_string(const setting_value& value);

std::string_view to_string(setting_kind kind);

} // namespace instar

#include "lifecycle/policy_units.hpp"

#include "actors/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace instar {

std::string_view policy_trimmed(std::string_view text) {
  constexpr auto blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::optional<double> policy_number(std::string_view text) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

namespace {

struct exponents {
  int time = 0, bytes = 0;
  bool operator==(const exponents&) const = default;
};

constexpr exponents exponents_of(policy_unit unit) {
  switch (unit) {
  case policy_unit::time:
    return {1, 0};
  case policy_unit::bytes:
    return {0, 1};
  case policy_unit::rate:
    return {-1, 0};
  case policy_unit::byte_rate:
    return {-1, 1};
  case policy_unit::count:
  case policy_unit::share:
    break;
  }
  return {};
}

std::string_view example(policy_unit unit) {
  switch (unit) {
  case policy_unit::count:
    return "200";
  case policy_unit::share:
    return "80%";
  case policy_unit::time:
    return "2ms";
  case policy_unit::bytes:
    return "64MiB";
  case policy_unit::rate:
    return "5000/s";
  case policy_unit::byte_rate:
    break;
  }
  return "10MB/s";
}

std::optional<double> in_setting(std::string_view text, setting_kind kind) {
  const auto value = parse_setting(text, kind, {});
  if (!value) return std::nullopt;
  return static_cast<double>(std::get<std::int64_t>(*value));
}

/// The number before the unit, and the unit.
std::optional<double> with_unit(std::string_view text, std::string_view number,
                                std::string_view suffix, policy_unit unit) {
  const auto plain = policy_number(number);
  if (!plain) return std::nullopt;
  switch (unit) {
  case policy_unit::count:
    return suffix.empty() ? plain : std::nullopt;
  case policy_unit::share:
    return suffix == "%" ? std::optional(*plain / 100) : std::nullopt;
  case policy_unit::time:
    if (const auto ns = in_setting(text, setting_kind::duration)) return *ns / 1e9;
    return std::nullopt;
  case policy_unit::bytes:
    return suffix.empty() ? std::nullopt : in_setting(text, setting_kind::size);
  case policy_unit::rate:
    if (suffix == "/s") return plain;
    if (suffix == "/min") return *plain / 60;
    if (suffix == "/h") return *plain / 3600;
    return std::nullopt;
  case policy_unit::byte_rate:
    if (!suffix.ends_with("/s") || suffix == "/s") return std::nullopt;
    return in_setting(policy_trimmed(text.substr(0, text.size() - 2)), setting_kind::size);
  }
  return std::nullopt;
}

} // namespace

std::string_view to_string(policy_unit unit) {
  switch (unit) {
  case policy_unit::count:
    return "number";
  case policy_unit::share:
    return "share";
  case policy_unit::time:
    return "time";
  case policy_unit::bytes:
    return "size";
  case policy_unit::rate:
    return "rate";
  case policy_unit::byte_rate:
    break;
  }
  return "rate of bytes";
}

std::optional<policy_unit> divide(policy_unit dividend, policy_unit divisor) {
  if (dividend == divisor) return policy_unit::share;
  const auto above = exponents_of(dividend), below = exponents_of(divisor);
  const exponents result{above.time - below.time, above.bytes - below.bytes};
  if (result == exponents{}) return policy_unit::count; // one of them is a share
  for (const auto unit :
       {policy_unit::time, policy_unit::bytes, policy_unit::rate, policy_unit::byte_rate})
    if (exponents_of(unit) == result) return unit;
  return std::nullopt;
}

result<double> parse_threshold(std::string_view given, policy_unit unit) {
  const auto text = policy_trimmed(given);
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto suffix = policy_trimmed(text.substr(end));
  if (const auto value = with_unit(text, text.substr(0, end), suffix, unit)) return *value;
  const auto quoted = "'" + std::string(text) + "'";
  const bool bare = suffix.empty() && policy_number(text).has_value();
  return failure{errc::bad_input,
                 quoted + (bare ? " has no unit" : " is no " + std::string(to_string(unit))) +
                     "; what it is compared with is a " + std::string(to_string(unit)) +
                     ", so write for example " + std::string(example(unit))};
}

namespace {

template <class... Values>
std::string format(const char* how, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), how, values...);
  return text.data();
}

std::string number_text(double value) {
  return value < 100'000 ? format("%.6g", value) : format("%.0f", value);
}

std::string size_text(double bytes) {
  constexpr std::array names{"B", "kB", "MB", "GB"};
  std::size_t i = 0;
  for (; bytes >= 1000 && i + 1 < names.size(); ++i) bytes /= 1000;
  return format("%.4g %s", bytes, names[i]);
}

} // namespace

std::string value_text(double value, policy_unit unit) {
  if (std::isinf(value)) return "without end";
  switch (unit) {
  case policy_unit::count:
    return number_text(value);
  case policy_unit::share:
    return format("%.4g%%", value * 100);
  case policy_unit::time:
    if (value < 1e-6) return format("%.4g ns", value * 1e9);
    if (value < 1e-3) return format("%.4g us", value * 1e6);
    if (value < 1) return format("%.4g ms", value * 1e3);
    return format("%.4g s", value);
  case policy_unit::bytes:
    return size_text(value);
  case policy_unit::rate:
    return number_text(value) + "/s";
  case policy_unit::byte_rate:
    break;
  }
  return size_text(value) + "/s";
}

} // namespace instar

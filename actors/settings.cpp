#include "actors/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace instar {

namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array duration_units{unit{"ns", 1},
                                    unit{"us", 1'000},
                                    unit{"ms", 1'000'000},
                                    unit{"s", 1'000'000'000},
                                    unit{"min", 60'000'000'000},
                                    unit{"h", 3'600'000'000'000}};
constexpr std::array size_units{
    unit{"B", 1},          unit{"KB", 1'000},         unit{"kB", 1'000},
    unit{"MB", 1'000'000}, unit{"GB", 1'000'000'000}, unit{"KiB", 1 << 10},
    unit{"MiB", 1 << 20},  unit{"GiB", 1 << 30}};

template <class T>
std::optional<T> whole(std::string_view text) {
  T value{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A number and one of `units`, as an integer of the base unit. Whole numbers are exact.
template <std::size_t N>
std::optional<std::int64_t> with_unit(std::string_view text, const std::array<unit, N>& units) {
  const auto number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto number = text.substr(0, number_end);
  auto suffix = text.substr(number_end);
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  for (const auto& u : units) {
    if (u.name != suffix) continue;
    if (const auto n = whole<std::int64_t>(number)) {
      if (*n > most / u.factor) return std::nullopt;
      return *n * u.factor;
    }
    const auto n = whole<double>(number);
    const double value = n.value_or(-1) * static_cast<double>(u.factor);
    if (!(value >= 0) || value >= static_cast<double>(most)) return std::nullopt;
    return std::llround(value);
  }
  return std::nullopt;
}

std::optional<setting_value> parse(std::string_view text, setting_kind kind,
                                   const std::filesystem::path& base) {
  const auto wrap = [](auto value) -> std::optional<setting_value> {
    if (!value) return std::nullopt;
    return setting_value(*value);
  };
  switch (kind) {
  case setting_kind::text:
    return setting_value(std::string(text));
  case setting_kind::integer:
    return wrap(whole<std::int64_t>(text));
  case setting_kind::number:
    if (const auto n = whole<double>(text); n && std::isfinite(*n)) return setting_value(*n);
    return std::nullopt;
  case setting_kind::boolean:
    if (text == "true" || text == "false") return setting_value(text == "true");
    return std::nullopt;
  case setting_kind::duration:
    return wrap(with_unit(text, duration_units));
  case setting_kind::size:
    if (const auto bytes = whole<std::int64_t>(text); bytes && *bytes >= 0) return wrap(bytes);
    return wrap(with_unit(text, size_units));
  case setting_kind::path: {
    if (text.empty()) return std::nullopt;
    std::error_code error; // the working folder may be gone
    const auto whole_path = std::filesystem::absolute(base / std::filesystem::path(text), error);
    if (error) return std::nullopt;
    return setting_value(whole_path.lexically_normal().string());
  }
  }
  return std::nullopt;
}

std::string_view example(setting_kind kind) {
  switch (kind) {
  case setting_kind::text:
    return "some text";
  case setting_kind::integer:
    return "8080";
  case setting_kind::number:
    return "0.5";
  case setting_kind::boolean:
    return "true or false";
  case setting_kind::duration:
    return "250ms, 10s or 5min";
  case setting_kind::size:
    return "4096, 64KiB or 10MB";
  case setting_kind::path:
    return "www or /srv/www";
  }
  return {};
}

template <class T>
const T& typed(const std::map<std::string, setting_value, std::less<>>& values,
               std::string_view name) {
  const auto found = values.find(name);
  if (found == values.end())
    throw std::logic_error("setting '" + std::string(name) + "' is not declared by the operator");
  if (const auto* value = std::get_if<T>(&found->second)) return *value;
  throw std::logic_error("setting '" + std::string(name) + "' is declared as another kind");
}

} // namespace

std::string_view to_string(setting_kind kind) {
  switch (kind) {
  case setting_kind::text:
    return "text";
  case setting_kind::integer:
    return "integer";
  case setting_kind::number:
    return "number";
  case setting_kind::boolean:
    return "boolean";
  case setting_kind::duration:
    return "duration";
  case setting_kind::size:
    return "size";
  case setting_kind::path:
    return "path";
  }
  return {};
}

std::string to_string(const setting_value& value) {
  struct print {
    std::string operator()(const std::string& s) const { return s; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(double n) const {
      std::array<char, 64> text;
      const auto end = std::to_chars(text.data(), text.data() + text.size(), n).ptr;
      return {text.data(), end};
    }
  };
  return std::visit(print{}, value);
}

result<setting_value> parse_setting(std::string_view text, setting_kind kind,
                                    const std::filesystem::path& base) {
  if (auto value = parse(text, kind, base)) return std::move(*value);
  return failure{errc::bad_input, "'" + std::string(text) + "' is no " +
                                      std::string(to_string(kind)) + "; write for example " +
                                      std::string(example(kind))};
}

const std::string& settings::text(std::string_view name) const {
  return typed<std::string>(values_, name);
}
std::int64_t settings::integer(std::string_view name) const {
  return typed<std::int64_t>(values_, name);
}
double settings::number(std::string_view name) const { return typed<double>(values_, name); }
bool settings::boolean(std::string_view name) const { return typed<bool>(values_, name); }
std::chrono::nanoseconds settings::duration(std::string_view name) const {
  return std::chrono::nanoseconds(typed<std::int64_t>(values_, name));
}
std::uint64_t settings::size(std::string_view name) const {
  return static_cast<std::uint64_t>(typed<std::int64_t>(values_, name));
}
std::filesystem::path settings::path(std::string_view name) const {
  return typed<std::string>(values_, name);
}

void settings::set(std::string name, setting_value value) {
  values_.insert_or_assign(std::move(name), std::move(value));
}

} // namespace instar

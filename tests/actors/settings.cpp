#include "actors/settings.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <stdexcept>

using namespace instar;

namespace {

std::int64_t integer_of(std::string_view text, setting_kind kind) {
  const auto value = parse_setting(text, kind, "/srv");
  REQUIRE_MESSAGE(value, text);
  return std::get<std::int64_t>(*value);
}

bool good(std::string_view text, setting_kind kind) {
  return static_cast<bool>(parse_setting(text, kind, "/srv"));
}

} // namespace

TEST_CASE("durations are kept in nanoseconds, in any of their units") {
  const auto ns = [](std::string_view text) { return integer_of(text, setting_kind::duration); };
  CHECK(ns("7ns") == 7);
  CHECK(ns("20us") == 20'000);
  CHECK(ns("250ms") == 250'000'000);
  CHECK(ns("1.5s") == 1'500'000'000);
  CHECK(ns("10 s") == 10'000'000'000);
  CHECK(ns("5min") == 300'000'000'000);
  CHECK(ns("2h") == 7'200'000'000'000);
  CHECK(ns("0s") == 0);
}

TEST_CASE("whole durations and sizes are exact up to the last one that fits") {
  CHECK(integer_of("9007199254740993ns", setting_kind::duration) == 9'007'199'254'740'993);
  CHECK(integer_of("9223372036854775807ns", setting_kind::duration) ==
        std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(good("9223372036854775808ns", setting_kind::duration));
  CHECK_FALSE(good("9223372037s", setting_kind::duration));
  CHECK_FALSE(good("8589934592GiB", setting_kind::size));
  CHECK_FALSE(good("1e300GiB", setting_kind::size));
}

TEST_CASE("a duration without a unit, or with a foreign one, is refused with an example") {
  for (const auto* text : {"", "10", "s", "-1s", "1 fortnight", "nans", "infs", "1e3s", "0x10s",
                           "1.2.3s", ".s", "10S", "10s "}) {
    const auto value = parse_setting(text, setting_kind::duration, "/");
    CHECK_FALSE_MESSAGE(value, text);
    if (value) continue;
    CHECK(value.error().message ==
          "'" + std::string(text) + "' is no duration; write for example 250ms, 10s or 5min");
  }
}

TEST_CASE("sizes know decimal and binary units, and bytes without one") {
  const auto bytes = [](std::string_view text) { return integer_of(text, setting_kind::size); };
  CHECK(bytes("4096") == 4096);
  CHECK(bytes("1B") == 1);
  CHECK(bytes("10KB") == 10'000);
  CHECK(bytes("64KiB") == 65'536);
  CHECK(bytes("10MB") == 10'000'000);
  CHECK(bytes("1.5MiB") == 1'572'864);
  CHECK(bytes("2GB") == 2'000'000'000);
  CHECK(bytes("1GiB") == 1'073'741'824);
  for (const auto* text : {"", "-1", "KiB", "1TiBs", "1kib", "4 096", "-0.5KB"})
    CHECK_FALSE_MESSAGE(good(text, setting_kind::size), text);
}

TEST_CASE("a path is taken from the base, and comes out absolute and normal") {
  const auto path = [](std::string_view text, const char* base) {
    return std::get<std::string>(parse_setting(text, setting_kind::path, base).value());
  };
  CHECK(path("www", "/srv/http") == "/srv/http/www");
  CHECK(path("../www/./a//b", "/srv/http") == "/srv/www/a/b");
  CHECK(path("/var/www", "/srv/http") == "/var/www");
  CHECK(path("www", "") == (std::filesystem::current_path() / "www").string());
  CHECK_FALSE(good("", setting_kind::path));
}

TEST_CASE("integers, numbers, booleans and text take all of the text or nothing") {
  CHECK(integer_of("-42", setting_kind::integer) == -42);
  for (const auto* text : {"", "4 2", "42x", "4.2", "99999999999999999999", "0x10", "+1"})
    CHECK_FALSE_MESSAGE(good(text, setting_kind::integer), text);
  CHECK(std::get<double>(parse_setting("-0.25", setting_kind::number, "/").value()) == -0.25);
  for (const auto* text : {"", "nan", "inf", "-inf", "1e999", "0.5 "})
    CHECK_FALSE_MESSAGE(good(text, setting_kind::number), text);
  CHECK(std::get<bool>(parse_setting("true", setting_kind::boolean, "/").value()));
  for (const auto* text : {"", "True", "1", "yes"})
    CHECK_FALSE_MESSAGE(good(text, setting_kind::boolean), text);
  CHECK(std::get<std::string>(parse_setting("", setting_kind::text, "/").value()).empty());
}

TEST_CASE("an operator that reads what it does not declare, or as another kind, is told the name") {
  settings s;
  s.set("port", std::int64_t{8080});
  s.set("root", std::string("/srv"));
  s.set("ratio", 0.5);
  s.set("on", true);
  CHECK(s.integer("port") == 8080);
  CHECK(s.duration("port") == std::chrono::nanoseconds(8080));
  CHECK(s.size("port") == 8080);
  CHECK(s.path("root") == "/srv");
  CHECK(s.text("root") == "/srv");
  CHECK(s.number("ratio") == 0.5);
  CHECK(s.boolean("on"));
  CHECK_THROWS_WITH_AS(s.integer("prot"), "setting 'prot' is not declared by the operator",
                       std::logic_error);
  CHECK_THROWS_WITH_AS(s.text("port"), "setting 'port' is declared as another kind",
                       std::logic_error);
  s.set("port", std::int64_t{80});
  CHECK(s.integer("port") == 80);
}

TEST_CASE("random text is parsed or refused, and never does harm") {
  std::mt19937 random(1);
  constexpr std::string_view letters = "0123456789.-+eEnsumhKMGiB /\\\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 24, '\0');
    for (auto& c : text) c = letters[random() % letters.size()];
    for (const auto kind :
         {setting_kind::text, setting_kind::integer, setting_kind::number, setting_kind::boolean,
          setting_kind::duration, setting_kind::size, setting_kind::path}) {
      const auto value = parse_setting(text, kind, "/srv");
      if (!value) CHECK(value.error().code == errc::bad_input);
      else if (kind == setting_kind::duration || kind == setting_kind::size)
        CHECK(std::get<std::int64_t>(*value) >= 0);
    }
  }
}

#include "services/http/date.hpp"

#include <chrono>
#include <cstring>

namespace instar::http {

namespace {

void two_digits(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10 % 10);
  at[1] = static_cast<char>('0' + value % 10);
}

constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// Reads a date from its front; after a mistake everything else fails, too.
class date_reader {
public:
  explicit date_reader(std::string_view text) : left_(text) {}

  void skip(std::string_view expected) {
    if (left_.starts_with(expected)) left_.remove_prefix(expected.size());
    else good_ = false;
  }
  /// Letters, the name of a day.
  void skip_word() {
    const auto is_letter = [](char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; };
    std::size_t n = 0;
    while (n < left_.size() && is_letter(left_[n])) ++n;
    if (n < 3) good_ = false;
    left_.remove_prefix(n);
  }
  int number(std::size_t digits) {
    int value = 0;
    for (; digits > 0; --digits) {
      if (left_.empty() || left_[0] < '0' || left_[0] > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (left_[0] - '0');
      left_.remove_prefix(1);
    }
    return value;
  }
  unsigned month() {
    const auto at = month_names.find(left_.substr(0, 3));
    if (left_.size() < 3 || at == std::string_view::npos || at % 3 != 0) {
      good_ = false;
      return 1;
    }
    left_.remove_prefix(3);
    return static_cast<unsigned>(at / 3 + 1);
  }
  bool at(char c) const { return !left_.empty() && left_[0] == c; }
  bool done() const { return good_ && left_.empty(); }

private:
  std::string_view left_;
  bool good_ = true;
};

/// A year of two digits is at most 50 years ahead.
int full_year(int two) {
  using namespace std::chrono;
  const auto today = year_month_day(floor<days>(system_clock::now()));
  const int now = static_cast<int>(today.year());
  const int guess = now - now % 100 + two;
  return guess > now + 50 ? guess - 100 : guess;
}

} // namespace

std::optional<std::int64_t> parse_date(std::string_view text) noexcept {
  using namespace std::chrono;
  date_reader from(text);
  int year_number = 0, day_number = 0, h = 0, m = 0, s = 0;
  unsigned month_number = 1;
  const auto time = [&] {
    h = from.number(2);
    from.skip(":");
    m = from.number(2);
    from.skip(":");
    s = from.number(2);
  };
  from.skip_word();
  if (from.at(',')) { // "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"
    from.skip(", ");
    day_number = from.number(2);
    const bool old = from.at('-');
    from.skip(old ? "-" : " ");
    month_number = from.month();
    from.skip(old ? "-" : " ");
    year_number = old ? full_year(from.number(2)) : from.number(4);
    from.skip(" ");
    time();
    from.skip(" GMT");
  } else { // "Sun Nov  6 08:49:37 1994"
    from.skip(" ");
    month_number = from.month();
    from.skip(" ");
    if (from.at(' ')) {
      from.skip(" ");
      day_number = from.number(1);
    } else {
      day_number = from.number(2);
    }
    from.skip(" ");
    time();
    from.skip(" ");
    year_number = from.number(4);
  }
  const year_month_day date{year(year_number), month(month_number),
                            day(static_cast<unsigned>(day_number))};
  if (!from.done() || !date.ok() || h > 23 || m > 59 || s > 60) return std::nullopt;
  return (sys_days(date) + hours(h) + minutes(m) + seconds(s)).time_since_epoch() / seconds(1);
}

void write_date(std::int64_t seconds_since_1970, date_text& into) noexcept {
  using namespace std::chrono;
  const sys_seconds when{seconds(seconds_since_1970)};
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss time(when - day);
  std::memcpy(into.data(), "Sun, 01 Jan 1970 00:00:00 GMT", into.size());
  std::memcpy(&into[0], &"SunMonTueWedThuFriSat"[weekday(day).c_encoding() * 3], 3);
  two_digits(&into[5], static_cast<unsigned>(date.day()));
  std::memcpy(
      &into[8],
      &"JanFebMarAprMayJunJulAugSepOctNovDec"[(static_cast<unsigned>(date.month()) - 1) * 3], 3);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  two_digits(&into[12], year / 100);
  two_digits(&into[14], year % 100);
  two_digits(&into[17], static_cast<unsigned>(time.hours().count()));
  two_digits(&into[20], static_cast<unsigned>(time.minutes().count()));
  two_digits(&into[23], static_cast<unsigned>(time.seconds().count()));
}

} // namespace instar::http

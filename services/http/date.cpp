#include "services/http/date.hpp"

#include <chrono>
#include <cstring>

namespace instar::http {

namespace {

void two_digits(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10 % 10);
  at[1] = static_cast<char>('0' + value % 10);
}

} // namespace

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

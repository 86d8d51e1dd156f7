#include "services/http/date.hpp"
#include "services/http/select.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::http;

namespace {

using ranges = std::vector<byte_range>;

ranges parts_of(std::string_view field, std::uint64_t size,
                range_list::meaning expected = range_list::meaning::parts) {
  range_list list;
  CHECK(list.parse(field, size) == expected);
  return {list.parts().begin(), list.parts().end()};
}

bool gzip(std::string_view accept) {
  const noted_field noted[] = {
      {field::accept_encoding, static_cast<std::uint32_t>(accept.size()), accept.data()}};
  return prefers_gzip(*request::make({}, {}, "/", noted));
}

} // namespace

TEST_CASE("dates are understood in the three forms that there are, and written in one") {
  for (const auto* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"})
    CHECK(parse_date(text) == 784111777);
  CHECK(parse_date("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
  CHECK(parse_date("Mon, 29 Feb 2016 23:59:60 GMT") == 1456790400);
  for (const auto* text :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 EST", "784111777", "Sun, -6 Nov 1994 08:49:37 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_date(text).has_value());
  }
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto seconds = static_cast<std::int64_t>(random());
    date_text text;
    write_date(seconds, text);
    CHECK(parse_date({text.data(), text.size()}) == seconds);
    text[random() % text.size()] = static_cast<char>(random()); // never worse than refused
    parse_date({text.data(), random() % text.size()});
  }
}

TEST_CASE("ranges name what they ask for") {
  CHECK(parts_of("bytes=0-4", 10) == ranges{{0, 5}});
  CHECK(parts_of("bytes=-3", 10) == ranges{{7, 3}});
  CHECK(parts_of("bytes=7-", 10) == ranges{{7, 3}});
  CHECK(parts_of("bytes=8-0008, 1-2 ,", 10) == ranges{{8, 1}, {1, 2}});
  CHECK(parts_of("bytes=0-0,50-60", 10) == ranges{{0, 1}});
  CHECK(parts_of("bytes=10-", 10, range_list::meaning::unsatisfiable).empty());
  CHECK(parts_of("bytes=-0", 10, range_list::meaning::unsatisfiable).empty());
  CHECK(parts_of("bytes=-1", 0, range_list::meaning::unsatisfiable).empty());
  const auto most = std::numeric_limits<std::uint64_t>::max();
  CHECK(parts_of("bytes=0-", most) == ranges{{0, most}});
  parts_of("bytes=0-,0-", most, range_list::meaning::none);
  for (const auto* text : {"", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=x-", "lines=0-1",
                           "bytes=0-1-2", "bytes=--1"})
    parts_of(text, 10, range_list::meaning::none);
}

TEST_CASE("random ranges stay within the file and never ask for more than it") {
  std::mt19937 random(5);
  const std::string alphabet = "0123456789--,, x";
  for (int i = 0; i < 100'000; ++i) {
    std::string text = "bytes=";
    for (unsigned n = random() % 30; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const std::uint64_t size = random() % 300;
    range_list list;
    if (list.parse(text, size) != range_list::meaning::parts) continue;
    std::uint64_t total = 0;
    for (const auto& one : list.parts()) {
      if (one.size == 0 || one.first + one.size > size) FAIL(text, " of ", size);
      total += one.size;
    }
    if (total > size) FAIL(text, " of ", size);
  }
}

TEST_CASE("gzip is sent to who prefers it to nothing") {
  for (const auto* text : {"gzip", "*", "x-gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip;q=0.001",
                           "identity;q=0.5, gzip;q=0.5", "GZIP ; q=0.7"}) {
    INFO(text);
    CHECK(gzip(text));
  }
  for (const auto* text : {"identity", "gzip;q=0", "*;q=0", "deflate", "gzip;q=0.000, *",
                           "identity, gzip;q=0.9", "gzip;q=1.0000", "gzip;q=", "gzip;q=-1"}) {
    INFO(text);
    CHECK_FALSE(gzip(text));
  }
}

TEST_CASE("a tag changes with each of what it is made of") {
  response_fields of{.modified = 1000, .complete_length = 7};
  const auto tag = [&] { return std::string(entity_tag(of).text()); };
  std::vector<std::string> seen{tag()};
  of.modified_fraction = 1;
  seen.push_back(tag());
  of.complete_length = 8;
  seen.push_back(tag());
  of.gzipped = true;
  seen.push_back(tag());
  of.modified = -1; // before 1970
  seen.push_back(tag());
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(seen[i] != seen[j]);
  of.modified = 0;
  CHECK(tag().empty());
  of = {.modified_fraction = ~0u,
        .modified = std::numeric_limits<std::int64_t>::max(),
        .complete_length = ~0ull};
  CHECK(tag().size() <= 64);
}

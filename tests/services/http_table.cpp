#include "services/http_table.hpp"
#include "services/site.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace instar;
using namespace instar::test;

namespace {

void check_all(const site& s, const std::vector<table_row>& rows, sending how) {
  for (const auto& row : rows)
    for (const auto& wrong : run_row(row, s.port(), how, row.statuses))
      FAIL_CHECK("line ", row.line, ": ", row.text, "\n  ", wrong);
}

} // namespace

TEST_CASE("every request of the table gets its answer, whatever versions give it") {
  const auto rows = read_table(HTTP_TABLE);
  CHECK(rows.size() > 300);
  site s;
  write_table_files(s.folder());
  SUBCASE("from memory") { check_all(s, rows, sending::at_once); }
  SUBCASE("from memory, byte by byte") { check_all(s, rows, sending::byte_by_byte); }
  SUBCASE("by sendfile") {
    REQUIRE(s.switch_to(2).outcome == transition_outcome::committed);
    check_all(s, rows, sending::at_once);
  }
  SUBCASE("while versions change under each request") {
    std::atomic<bool> stop = false;
    std::atomic<int> changes = 0;
    std::thread changing([&] {
      for (std::uint32_t i = 0; !stop; ++i)
        if (s.replace_all(i % 2 + 1, static_cast<int>(i % 3) + 1).outcome ==
            transition_outcome::committed)
          ++changes;
    });
    check_all(s, rows, sending::byte_by_byte);
    stop = true;
    changing.join();
    CHECK(changes > 5);
  }
  SUBCASE("from a cache") {
    REQUIRE(s.with_cache().outcome == transition_outcome::committed);
    check_all(s, rows, sending::at_once);
    check_all(s, rows, sending::at_once);
  }
}

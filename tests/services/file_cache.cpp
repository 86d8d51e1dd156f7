#include "services/cache/partitioned.hpp"
#include "services/cache/reader.hpp"
#include "services/cache/simple.hpp"
#include "services/call_world.hpp"
#include "services/made_files.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::file_cache;
using test::call_world;
using test::made_files;

namespace {

/// What is read, whether it is all that there is and right.
bool reads_right(reader& from, const made_files& files, std::size_t file, std::uint64_t offset,
                 std::size_t count, std::size_t file_size) {
  std::vector<std::byte> into(count);
  const auto got = from.read(files[file], offset, into);
  REQUIRE_MESSAGE(bool(got), got.error().message);
  const auto there = offset >= file_size ? 0 : std::min<std::size_t>(count, file_size - offset);
  return *got == there && made_files::right(file, offset, std::span(into).first(*got));
}

template <class Operator>
std::size_t kept_by(call_world& w, Operator& op) {
  const auto saved = w.saved(op);
  const state_reader from(saved);
  return from.template root<FileCacheState>().getPages().size();
}

std::vector<std::size_t> some_sizes() { return {0, 1, 4095, 4096, 4097, 50'000, 40'960}; }

void read_at_random(reader& from, const made_files& files, int reads) {
  std::mt19937_64 random(5);
  const auto sizes = some_sizes();
  for (int i = 0; i < reads; ++i) {
    const auto file = random() % sizes.size();
    CHECK(reads_right(from, files, file, random() % (sizes[file] + 100), 1 + random() % 10'000,
                      sizes[file]));
  }
}

void read_whole(reader& from, const made_files& files) {
  const auto sizes = some_sizes();
  for (std::size_t i = 0; i < sizes.size(); ++i)
    CHECK(reads_right(from, files, i, 0, sizes[i] + 1, sizes[i]));
}

} // namespace

TEST_CASE_TEMPLATE("what is read is what the file has, from the file, the cache or both", Operator,
                   simple, partitioned) {
  call_world w;
  const made_files files(some_sizes());
  reader from(w.ports, "here");
  read_at_random(from, files, 100); // nobody serves
  for (const std::int64_t capacity : {1, 5 * 4096, 1 << 20}) {
    auto op = w.started<Operator>(capacity);
    read_at_random(from, files, 1000);
  }
}

TEST_CASE_TEMPLATE("a page is read from its file once", Operator, simple, partitioned) {
  call_world w;
  const made_files files({40'960});
  auto op = w.started<Operator>();
  reader from(w.ports, "here");
  for (int round = 0; round < 3; ++round) CHECK(reads_right(from, files, 0, 0, 40'960, 40'960));
  w.let_timers_run_out(*op);
  CHECK(w.metric("instar_file_cache_misses_total") == 10);
  CHECK(w.metric("instar_file_cache_hits_total") == 20);
  CHECK(w.metric("instar_file_cache_contended_total") == 0);
}

TEST_CASE_TEMPLATE("a cache keeps within its capacity, and what is used", Operator, simple,
                   partitioned) {
  constexpr std::uint64_t pages = 400, hot = 30, room = 100;
  call_world w;
  const made_files files({pages * page_bytes});
  auto op = w.started<Operator>(room * page_bytes);
  reader from(w.ports, "here");
  const auto read_page = [&](std::uint64_t number) {
    CHECK(reads_right(from, files, 0, number * page_bytes, page_bytes, pages * page_bytes));
  };
  for (std::uint64_t i = 0; i < pages; ++i) {
    read_page(i);
    for (std::uint64_t often = 0; often < hot; ++often) read_page(often);
  }
  w.let_timers_run_out(*op);
  const auto misses = w.metric("instar_file_cache_misses_total");
  CHECK(misses >= pages);
  CHECK(misses <= pages + 20); // what is asked for all the time stays, mostly
  CHECK(kept_by(w, *op) == room);
}

namespace {

template <class First, class Second>
void hand_over_twice(bool as_object) {
  call_world w;
  const made_files files(some_sizes());
  reader from(w.ports, "here");
  auto go = [&](auto old, auto next) {
    using old_type = typename decltype(old)::element_type;
    auto& to = *next;
    if (as_object) w.give(std::move(old), to);
    else w.save(std::move(old), old_type::type, to);
    return next;
  };
  const auto misses = [&](operator_base& of) {
    w.let_timers_run_out(of);
    return w.metric("instar_file_cache_misses_total");
  };
  // There is no page to keep past the end of a file that ends with a page.
  double without_page = 0, pages = 0;
  for (const auto size : some_sizes()) {
    without_page += size % page_bytes == 0;
    pages += static_cast<double>((size + page_bytes - 1) / page_bytes);
  }
  auto first = w.started<First>();
  read_whole(from, files);
  CHECK(misses(*first) == pages + without_page);
  auto second = go(std::move(first), w.made<Second>());
  read_whole(from, files);
  CHECK(misses(*second) == pages + 2 * without_page);
  auto third = go(std::move(second), w.made<First>());
  read_whole(from, files);
  CHECK(misses(*third) == pages + 3 * without_page);
  CHECK(static_cast<double>(kept_by(w, *third)) == pages);
}

} // namespace

TEST_CASE("each implementation takes over all pages of the other, and of itself") {
  for (const bool as_object : {true, false}) {
    CAPTURE(as_object);
    hand_over_twice<simple, partitioned>(as_object);
    hand_over_twice<partitioned, simple>(as_object);
    hand_over_twice<simple, simple>(as_object);
    hand_over_twice<partitioned, partitioned>(as_object);
  }
}

TEST_CASE_TEMPLATE("a full cache goes over as a whole, however its pages are spread", Operator,
                   simple, partitioned) {
  call_world w;
  const made_files files({4096 * 300});
  reader from(w.ports, "here");
  const auto read_all = [&] { CHECK(reads_right(from, files, 0, 0, 4096 * 300, 4096 * 300)); };
  std::unique_ptr<operator_base> now = w.started<simple>(4096 * 300);
  read_all();
  for (int i = 0; i < 2; ++i) {
    auto next = w.made<Operator>(4096 * 300);
    auto& to = *next;
    w.give(std::move(now), to);
    read_all();
    now = std::move(next);
  }
  w.let_timers_run_out(*now);
  CHECK(w.metric("instar_file_cache_misses_total") == 300);
}

TEST_CASE("a file that has changed since is another one") {
  call_world w;
  const made_files files({100});
  auto op = w.started<simple>();
  reader from(w.ports, "here");
  CHECK(reads_right(from, files, 0, 0, 100, 100));
  const auto before = files[0].identity();
  for (int tries = 0; tries < 1000 && files.open(0)->identity() == before; ++tries)
    files.write(0, "other"); // until the clock of the file system has gone on
  const auto again = files.open(0);
  std::vector<std::byte> into(100);
  REQUIRE(from.read(*again, 0, into).value() == 5);
  CHECK(static_cast<char>(into[0]) == 'o');
}

TEST_CASE("what is no regular file is refused with its name") {
  const temporary_folder folder;
  const auto none = cached_file::open(folder.path() / "none");
  REQUIRE_FALSE(none);
  CHECK(none.error().message ==
        "cannot open '" + (folder.path() / "none").string() + "': No such file or directory");
  const auto wrong = cached_file::open(folder.path());
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message ==
        "'" + folder.path().string() + "' is no regular file; only those can be cached");
}

TEST_CASE("pages that no cache has saved are refused") {
  call_world w;
  state_writer into({"cache.simple", 1, simple::type.state_schema, 1});
  into.init<FileCacheState>().initPages(1)[0].initBytes(page_bytes + 1);
  const auto saved = into.finish();
  state_reader from(saved);
  auto op = w.made<partitioned>();
  CHECK_THROWS_WITH_AS(op->restore(w.ctx, from), "a page of 4097 bytes is larger than 4096",
                       std::runtime_error);
}

TEST_CASE_TEMPLATE("a checkpoint has no pages: the files may be others then", Operator, simple,
                   partitioned) {
  call_world w;
  const made_files files({100});
  auto op = w.started<Operator>();
  reader from(w.ports, "here");
  CHECK(reads_right(from, files, 0, 0, 100, 100));
  state_writer into({std::string(Operator::type.name), 1, Operator::type.state_schema, 1},
                    save_purpose::checkpoint);
  op->save(into);
  CHECK(reads_right(from, files, 0, 0, 100, 100));
  const auto saved = into.finish();
  const state_reader kept(saved);
  CHECK(kept.template root<FileCacheState>().getPages().size() == 0);
}

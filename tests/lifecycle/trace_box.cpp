#include "lifecycle/trace_hub.hpp"

#include <doctest/doctest.h>

using namespace instar;

namespace {

std::vector<packet_header> headers(std::uint64_t first, std::uint64_t count,
                                   std::string_view payload = "some") {
  std::vector<packet_header> made;
  for (std::uint64_t i = 0; i < count; ++i)
    made.push_back({{}, {}, first + i, payload, (first + i) % 10 == 0});
  return made;
}

} // namespace

TEST_CASE("headers come out as they went in, in order, however they are fetched") {
  trace_box box;
  std::uint64_t put = 0, got = 0;
  for (std::uint64_t round = 1; round < 40; ++round) {
    auto batch = headers(put, round * 7);
    put += batch.size();
    box.hand_over(batch);
    CHECK(batch.empty());
    for (const auto& h : box.take(round * 5)) CHECK(h.key == got++);
  }
  for (const auto& h : box.take(put)) CHECK(h.key == got++);
  CHECK(got == put);
  CHECK(box.totals().packets == put);
  CHECK(box.totals().dropped == (put + 9) / 10);
  CHECK(box.totals().left_out == 0);
}

TEST_CASE("a box that nobody empties stays bounded, and counts what it leaves out") {
  trace_box box(100);
  for (std::uint64_t i = 0; i < 50; ++i) {
    auto batch = headers(i * 10, 10);
    box.hand_over(batch);
  }
  CHECK(box.totals().packets == 500);
  CHECK(box.totals().left_out == 400);
  CHECK(box.take(30).size() == 30);
  auto batch = headers(500, 50);
  box.hand_over(batch);
  const auto rest = box.take(1000);
  REQUIRE(rest.size() == 100);
  CHECK(rest.front().key == 30);
  CHECK(rest[70].key == 500);
  CHECK(box.totals().left_out == 420);
}

TEST_CASE("names of payloads outlive the packets that had them") {
  trace_box box;
  {
    const std::string name = "a name that is long enough to be on the heap";
    auto batch = headers(0, 3, name);
    box.hand_over(batch);
  }
  CHECK(box.take(1)[0].payload == "a name that is long enough to be on the heap");
}

TEST_CASE("a trace without an operator is told from one whose operator has yet to come") {
  trace_hub hub;
  const auto box = hub.open("x");
  CHECK_FALSE(box->abandoned());
  CHECK(hub.find("x") == box);
  box->attach();
  CHECK_FALSE(box->abandoned());
  box->detach();
  CHECK(box->abandoned());
  hub.close("x");
  CHECK(hub.find("x") == nullptr);
}

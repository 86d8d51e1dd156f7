// Bulk transfers: the protocol, and that no byte is lost or doubled when the service is updated.
#include "apps/bulk/transfer_client.hpp"
#include "services/blocking_site.hpp"
#include "services/bulk/pattern.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

std::string graph_text(unsigned version, unsigned receivers, const std::string& control = {},
                       const std::string& receiver = {}) {
  const auto v = std::to_string(version), n = std::to_string(receivers);
  return "arcs = ['accept -> control.accepted', 'control.transfer -> receiver',\n"
         "'control.report -> reporter.asked', 'receiver.moved -> reporter.moved',\n"
         "{ chain = 'receiver.returned -> control.returned', feedback = 'hand_over' },\n"
         "{ chain = 'reporter.returned -> control.returned', feedback = 'hand_over' }]\n"
         "[operators]\n"
         "accept = { type = 'blocking.accept@" +
         v + "', port = 0 }\ncontrol = { type = 'bulk.control@" + v + "', receivers = " + n +
         control + " }\nreceiver = { type = 'bulk.receiver@" + v + "', replicas = " + n + receiver +
         " }\nreporter = { type = 'bulk.reporter@" + v + "', interval = '20ms' }\n";
}

const std::vector<operator_update> all_operators{{"accept", "blocking.accept", 1},
                                                 {"control", "bulk.control", 1},
                                                 {"receiver", "bulk.receiver", 1},
                                                 {"reporter", "bulk.reporter", 1}};

std::unique_ptr<clients::crowd> load_of(blocking_site& s, std::size_t clients) {
  const auto port = s.port();
  return std::make_unique<clients::crowd>(clients, [=](std::size_t number) {
    return std::make_unique<bulk::transfer_client>("127.0.0.1", port, 300'000, number);
  });
}

clients::connection dial(blocking_site& s) { return clients::connection("127.0.0.1", s.port()); }

std::string bytes(std::uint64_t seed, std::size_t size) {
  std::string made(size, '\0');
  bulk::pattern(seed).fill(std::as_writable_bytes(std::span(made)), 0);
  return made;
}

/// Until the report has all of it.
void expect_totals(blocking_site& s, const clients::tally& moved) {
  auto one = dial(s);
  bulk::totals seen;
  for (int tries = 0; tries < 500; ++tries) {
    seen = bulk::ask_report(one);
    if (seen.received >= moved.more.at("bytes_sent") && seen.sent >= moved.more.at("bytes_taken"))
      break;
    std::this_thread::sleep_for(10ms);
  }
  CHECK(seen.received == moved.more.at("bytes_sent"));
  CHECK(seen.sent == moved.more.at("bytes_taken"));
}

} // namespace

TEST_CASE("the pattern of a transfer is found wrong where one byte is lost, doubled or changed") {
  const auto right = bytes(7, 1000);
  const auto wrong_at = [](std::string text, std::uint64_t offset) {
    return bulk::pattern(7).find_wrong(std::as_bytes(std::span(text)), offset);
  };
  CHECK_FALSE(wrong_at(right, 0));
  CHECK_FALSE(wrong_at(right.substr(13), 13));
  CHECK_FALSE(wrong_at(right.substr(13, 1), 13));
  auto changed = right;
  changed[501] = static_cast<char>(changed[501] ^ 1);
  CHECK(wrong_at(changed, 0) == 501);
  CHECK(wrong_at(changed.substr(499), 499) == 501);
  CHECK(wrong_at(right.substr(0, 100) + right.substr(101), 0).value_or(1000) >= 100);
  CHECK(wrong_at(right.substr(0, 100) + right.substr(101), 0).value_or(1000) < 110);
  CHECK(bytes(8, 1000) != right);
}

TEST_CASE("bytes are taken, given and reported") {
  for (const unsigned version : {1u, 2u}) {
    CAPTURE(version);
    blocking_site s(graph_text(version, 2));
    auto one = dial(s);
    one.send("SEND 100000 5\n" + bytes(5, 100'000));
    CHECK(one.line() == "GOT 100000");
    one.send("TAKE 70000 6\r\n");
    CHECK(one.line() == "HERE 70000");
    CHECK(one.read(70'000) == bytes(6, 70'000));
    CHECK(one.line() == "DONE");
    one.send("SEND 0 1\nTAKE 3 2\n"); // at once
    CHECK(one.line() == "GOT 0");
    CHECK(one.line() == "HERE 3");
    CHECK(one.read(3) == bytes(2, 3));
    CHECK(one.line() == "DONE");
    clients::tally moved;
    moved.more = {{"bytes_sent", 100'000}, {"bytes_taken", 70'003}};
    expect_totals(s, moved);
    one.send("QUIT\n");
    CHECK_NOTHROW(one.expect_end());
    CHECK(s.stop().reason.empty());
  }
}

TEST_CASE("a byte that is wrong is named, and ends its connection, no other") {
  blocking_site s(graph_text(1, 2));
  auto other = dial(s);
  auto wrong = bytes(5, 1000);
  wrong[321] = static_cast<char>(wrong[321] ^ 4);
  auto one = dial(s);
  one.send("SEND 1000 5\n" + wrong);
  CHECK(one.line() == "BAD 321");
  CHECK_NOTHROW(one.expect_end());
  for (const char* line : {"SEND 1000\n", "TAKE x 5\n", "GIVE 1 1\n", "TAKE 99999999999999 1\n"}) {
    CAPTURE(line);
    auto bad = dial(s);
    bad.send(line);
    CHECK(bad.line().starts_with("ERROR "));
    CHECK_NOTHROW(bad.expect_end());
  }
  auto endless = dial(s);
  endless.send(std::string(2'000, 'x'));
  CHECK(endless.line().starts_with("ERROR "));
  other.send("TAKE 10 1\n");
  CHECK(other.line() == "HERE 10");
}

TEST_CASE("clients notice nothing of 100 updates of bulk's operators, and each byte is counted") {
  blocking_site s(graph_text(1, 2));
  const auto crowd = load_of(s, 4);
  update_to_and_fro(s, all_operators, 100, *crowd);
  expect_totals(s, crowd->seen());
}

TEST_CASE("a transfer that comes byte by byte meets an update at each of them") {
  blocking_site s(graph_text(1, 1));
  auto one = dial(s);
  const auto text = "SEND 40 9\n" + bytes(9, 40);
  unsigned version = 1;
  for (const char c : text) {
    one.send(std::string(1, c));
    version = 3 - version;
    auto now = all_operators;
    for (auto& op : now) op.version = version;
    const auto done = s.update(now);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(one.line() == "GOT 40");
}

TEST_CASE("receivers come and go under load, and no byte is lost") {
  blocking_site s(graph_text(1, 1));
  const auto crowd = load_of(s, 4);
  for (const unsigned receivers : {3u, 2u, 4u, 1u}) {
    const auto done = s.apply(graph_text(1, receivers));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    const auto before = crowd->seen().answers;
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    while (crowd->seen().answers < before + 20 && std::chrono::steady_clock::now() < give_up)
      std::this_thread::sleep_for(1ms);
  }
  const auto seen = crowd->stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  expect_totals(s, seen);
}

TEST_CASE("a client that stalls, and one that says nothing, are dropped") {
  blocking_site s(graph_text(2, 1, ", idle_timeout = '100ms'", ", stall_timeout = '100ms'"));
  auto silent = dial(s), stalls = dial(s);
  stalls.send("SEND 100 1\nabc");
  CHECK(stalls.line() == "BAD 0");
  auto waits = dial(s);
  waits.send("SEND 100 1\n" + bytes(1, 50));
  CHECK_NOTHROW(waits.expect_end());
  CHECK_NOTHROW(silent.expect_end());
}

TEST_CASE("a receiver that has a rate keeps to it") {
  blocking_site s(graph_text(2, 1, {}, ", rate = '1MB'"));
  auto one = dial(s);
  const auto begun = std::chrono::steady_clock::now();
  one.send("TAKE 500000 1\n");
  CHECK(one.line() == "HERE 500000");
  CHECK(one.read(500'000) == bytes(1, 500'000));
  // It cannot be sooner; how much later is the machine's.
  CHECK(std::chrono::steady_clock::now() - begun >= 350ms);
}

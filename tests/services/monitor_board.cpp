// What the monitor knows, without threads and sockets.
#include "services/monitor/board.hpp"
#include "services/monitor/status.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <string_view>

using namespace instar::monitor;
using namespace std::chrono_literals;

namespace {

struct world {
  board known{3s, 0};
  board::time now{1000s};

  std::string take(std::string_view line) {
    status s;
    REQUIRE(parse_status(line, s) == "");
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_port = htons(7);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s.address.assign(reinterpret_cast<const char*>(&from), sizeof from);
    return known.take(s, now);
  }
  std::string ask(std::string_view question) const { return known.answer(question, now); }
};

} // namespace

TEST_CASE("a status is read, and what is none is refused with the reason") {
  status s;
  CHECK(parse_status("status a.b-c_1 2 3 sent=4 lost=0", s) == "");
  CHECK(s.name == "a.b-c_1");
  CHECK(s.incarnation == 2);
  CHECK(s.sequence == 3);
  CHECK(s.counters == decltype(s.counters){{"sent", 4}, {"lost", 0}});
  for (const char* wrong :
       {"", "status", "status a", "status a 1", "status a x 1", "status a 1 -1", "stat a 1 1",
        "status a! 1 1", "status a 1 1 x", "status a 1 1 =1", "status a 1 1 x=", "status a 1 1 x=y",
        "status a 1 99999999999999999999999"})
    CHECK_MESSAGE(parse_status(wrong, s) != "", wrong);
  CHECK(parse_status("status " + std::string(65, 'a') + " 1 1", s) != "");
  std::string many = "status a 1 1";
  for (int i = 0; i < 33; ++i) many += " c" + std::to_string(i) + "=1";
  CHECK(parse_status(many, s) == "more than 32 counters");
}

TEST_CASE("random bytes are no status and do no harm") {
  std::mt19937 random(5);
  const std::string_view letters = "status leave=0123456789 \0\xff.a-";
  for (int i = 0; i < 20'000; ++i) {
    std::string line = i % 2 ? "status " : "";
    for (auto n = random() % 60; n > 0; --n) line += letters[random() % letters.size()];
    status s;
    if (parse_status(line, s).empty()) CHECK(s.name.size() <= longest_name);
  }
}

TEST_CASE("members join, fall silent, come back and leave") {
  world w;
  CHECK(w.take("status a 1 1 sent=5") == "joined a");
  CHECK(w.take("status a 1 2 sent=6") == "");
  w.now += 3s;
  CHECK(w.known.look(w.now).empty());
  w.now += 1ms;
  CHECK(w.known.look(w.now) == std::vector<std::string>{"silent a"});
  CHECK(w.known.look(w.now).empty());
  CHECK(w.ask("members") == "a silent seq 2 age_ms 3001\r\nend\r\n");
  CHECK(w.take("status a 1 3 sent=6") == "back a");
  CHECK(w.take("leave a 1 4") == "left a");
  CHECK(w.take("status a 2 1") == "joined a");
  CHECK(w.ask("events 2") == "left a\r\njoined a\r\nend\r\n");
  CHECK(w.ask("totals") == "alive 1 silent 0 left 0 statuses 5 lost 0\r\n");
}

TEST_CASE("what is lost is counted, and what is late is passed over") {
  world w;
  w.take("status a 7 1 sent=5");
  w.take("status a 7 5 sent=9");
  w.take("status a 7 4 sent=8");
  w.take("status a 6 100 sent=1");
  CHECK(w.ask("member a") == "member a alive incarnation 7 seq 5 received 2 lost 3 age_ms 0 at "
                             "127.0.0.1:7 sent=9\r\n");
  CHECK(w.ask("member b") == "error: there is no member 'b'\r\n");
}

TEST_CASE("rates are those of the last two values, or smoothed") {
  world w;
  w.take("status a 1 1 sent=100");
  w.now += 2s;
  w.take("status a 1 2 sent=300");
  CHECK(w.ask("rates") == "a sent per_s 100.0\r\nend\r\n");
  w.now += 1s;
  w.take("status a 1 3 sent=0"); // begins anew
  CHECK(w.ask("rates") == "a sent per_s 0.0\r\nend\r\n");
  board smooth(3s, 0.75);
  status s;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(parse_status("status a 1 " + std::to_string(i + 1) + " sent=" + std::to_string(i * 100),
                         s) == "");
    smooth.take(s, board::time{std::chrono::seconds(10 + i)});
  }
  CHECK(smooth.answer("rates", board::time{12s}) == "a sent per_s 43.8\r\nend\r\n");
}

TEST_CASE("no more members and events are kept than are promised") {
  world w;
  for (std::size_t i = 0; i < board::most_members; ++i)
    w.take("status m" + std::to_string(i) + " 1 1");
  CHECK(w.take("status more 1 1") == "refused more: there are 1024 members");
  const auto all = w.ask("events 100000");
  CHECK(std::count(all.begin(), all.end(), '\n') == board::most_events + 1);
}

TEST_CASE("a successor knows what its predecessor knew") {
  world w;
  w.known.set_where("127.0.0.1:9");
  w.take("status a 1 1 sent=100");
  w.now += 1s;
  w.take("status a 1 3 sent=150");
  w.take("leave b 4 9");
  for (const bool same_process : {true, false}) {
    capnp::MallocMessageBuilder message;
    auto saved = message.initRoot<ReportState>();
    w.known.save(saved, same_process);
    world next;
    next.now = same_process ? w.now : board::time{50s};
    next.known.restore(saved.asReader(), next.now);
    for (const char* question : {"members", "member a", "rates", "totals", "events", "where"})
      CHECK(next.ask(question) == w.ask(question));
  }
}

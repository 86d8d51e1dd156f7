// Packet inspection by operators that block: every alert comes once, whatever is updated meanwhile.
#include "apps/inspect/scanner.hpp"
#include "apps/inspect/traffic.hpp"
#include "services/blocking_site.hpp"
#include "services/inspect/headers.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;
using inspect::traffic;

namespace {

struct how {
  unsigned version = 1; ///< of those that have two
  int variant = 0;      ///< settings of all others, so that they are replaced, too
  unsigned detectors = 2;
  std::string capture = {}, control = {}, output = {}; ///< further settings, with a comma before
};

std::string graph_text(const how& h) {
  const auto v = "@" + std::to_string(h.version) + "'";
  const auto n = std::to_string(h.variant);
  return "arc_capacity = 16\n"
         "arcs = ['accept -> control.connections', 'control.files -> capture.asked',\n"
         "'control.connections -> output.connections', 'control.replies -> output.replies',\n"
         "'control.questions -> statistics.questions', 'capture.frames -> decode.frames',\n"
         "'decode.packets -> flow.packets', 'flow.units -> detect.units',\n"
         "'detect.results -> output.results', 'flow.totals -> output.totals',\n"
         "'housekeeping -> flow.ticks', 'capture.counts -> statistics.counts',\n"
         "'decode.counts -> statistics.counts', 'flow.counts -> statistics.counts',\n"
         "'detect.counts -> statistics.counts', 'statistics.answers -> output.replies']\n"
         "[operators]\n"
         "accept = { type = 'blocking.accept" +
         v + ", port = 0, backlog = 10" + n +
         " }\n"
         "control = { type = 'inspect.control" +
         v + ", max_file = '1" + n + "MiB'" + h.control +
         " }\n"
         "capture = { type = 'inspect.capture@1', on_error = 'resume', max_errors = 1" +
         n + h.capture +
         " }\n"
         "decode = { type = 'inspect.decode" +
         v + ", max_errors = 1" + n +
         " }\n"
         "flow = { type = 'inspect.flow@1', max_streams = 5000" +
         n +
         " }\n"
         "detect = { type = 'inspect.detect" +
         v + ", rules = '" INSPECT_RULES "', max_errors = 1" + n +
         ", replicas = " + std::to_string(h.detectors) +
         " }\n"
         "output = { type = 'inspect.output" +
         v + ", max_unread = '4" + n + "MiB'" + h.output +
         " }\n"
         "statistics = { type = 'inspect.statistics@1', every = '6" +
         n +
         "s' }\n"
         "housekeeping = { type = 'inspect.housekeeping@1', every = '1" +
         n + "ms' }\n";
}

std::unique_ptr<clients::crowd> load_of(blocking_site& s, std::size_t clients) {
  const auto port = s.port();
  return std::make_unique<clients::crowd>(clients, [port](std::size_t number) {
    return std::make_unique<inspect::scanner>("127.0.0.1", port, number);
  });
}

void settle(const clients::crowd& crowd, std::uint64_t answers = 20) {
  const auto enough = crowd.seen().answers + answers;
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (crowd.seen().answers < enough) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, "clients get no answers");
    std::this_thread::sleep_for(1ms);
  }
}

void check_unnoticed(clients::crowd& crowd) {
  const auto seen = crowd.stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  CHECK(seen.answers > 0);
  MESSAGE(clients::to_text(seen));
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

std::string lines_until(clients::connection& from, const std::string& last) {
  std::string all;
  while (true) {
    const auto line = from.line();
    all += line + "\n";
    if (line.starts_with(last)) return all;
  }
}

} // namespace

TEST_CASE("commands are answered with their tags, and mistakes are told") {
  for (const unsigned version : {1u, 2u}) {
    CAPTURE(version);
    blocking_site s(graph_text({.version = version}));
    clients::connection one("127.0.0.1", s.port());
    const traffic file(1, 50);
    const auto size = std::to_string(file.file().text().size());
    one.send("a scan " + size + "\r\n" + file.file().text());
    const auto answers = lines_until(one, "a done ");
    std::istringstream lines(answers);
    std::vector<std::string> alerts;
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("a alert ")) alerts.push_back(inspect::without_message(line.substr(8)));
    std::sort(alerts.begin(), alerts.end());
    CHECK(alerts == file.alerts());
    CHECK(answers.find(" 1001 tcp ") != std::string::npos);
    CHECK(answers.find(" passwords asked for over HTTP\n") != std::string::npos);

    one.send("b stats\n");
    CHECK(one.line().starts_with("b stats jobs="));
    one.send("c fly away\n");
    CHECK(one.line() ==
          (version == 1 ? "c error 'fly away' is no command; there are scan, stats and quit"
                        : "c error 'fly away' is no command; there are scan, stats, limits and "
                          "quit"));
    one.send("d limits\n");
    CHECK(one.line().starts_with(version == 1 ? "d error" : "d limits max_file=10485760 "));
    one.send("e scan 3\nabc");
    CHECK(one.line().starts_with("e error cannot read what was sent: "));
    one.send("f scan 99999999\n");
    CHECK(one.line() == "f error a file has 1 to 10485760 bytes; write: f scan BYTES");
    one.expect_end();

    clients::connection two("127.0.0.1", s.port());
    two.send("\n");
    CHECK(two.line().starts_with("* error a line begins with a tag"));
    two.expect_end();
    clients::connection three("127.0.0.1", s.port());
    three.send(std::string(5000, 'x'));
    CHECK(three.line() == "* error a line has at most 256 bytes");
    three.close();
    // Half a file; then all of one, and no more is said.
    clients::connection four("127.0.0.1", s.port());
    four.send("a scan " + size + "\nabc");
    four.end();
    CHECK(four.line() == "a error the file has not come as a whole");
    four.expect_end();
    clients::connection five("127.0.0.1", s.port());
    five.send("a scan " + size + "\n" + file.file().text());
    five.end();
    CHECK(lines_until(five, "a done ").size() == answers.size());
    five.expect_end();
    CHECK(s.stop().reason.empty());
  }
}

TEST_CASE("clients notice nothing of 100 updates, and get every alert once") {
  blocking_site s(graph_text({}));
  const auto crowd = load_of(s, 4);
  update_to_and_fro(s,
                    {{"accept", "blocking.accept", 1},
                     {"control", "inspect.control", 1},
                     {"decode", "inspect.decode", 1},
                     {"detect", "inspect.detect", 1},
                     {"output", "inspect.output", 1}},
                    100, *crowd);
}

TEST_CASE("all operators are replaced at once, again and again, under load") {
  blocking_site s(graph_text({}));
  const auto crowd = load_of(s, 4);
  settle(*crowd);
  for (int i = 1; i <= 50; ++i) {
    const auto done = s.apply(graph_text({.version = i % 2 + 1u, .variant = i % 4}));
    CAPTURE(i);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    settle(*crowd);
  }
  check_unnoticed(*crowd);
}

TEST_CASE("more and fewer detectors share the work, under load") {
  blocking_site s(graph_text({.detectors = 1}));
  const auto crowd = load_of(s, 4);
  settle(*crowd);
  for (const unsigned detectors : {3u, 2u, 5u, 1u, 4u}) {
    const auto done = s.apply(graph_text({.detectors = detectors}));
    CAPTURE(detectors);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    settle(*crowd, 50);
  }
  check_unnoticed(*crowd);
}

TEST_CASE("the service's own file is read as often as it shall be, over updates") {
  const temporary_folder folder;
  const traffic file(3, 100);
  std::ofstream(folder.path() / "own.pcap", std::ios::binary) << file.file().text();
  const auto log = folder.path() / "alerts.log";
  constexpr std::size_t loops = 20;
  const auto settings = [&](unsigned version, int variant) {
    return graph_text({.version = version,
                       .variant = variant,
                       .capture = ", file = '" + (folder.path() / "own.pcap").string() +
                                  "', rate = 2000, loops = " + std::to_string(loops),
                       .output = ", log = '" + log.string() + "'"});
  };
  blocking_site s(settings(1, 0));
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  std::size_t updates = 0;
  while (lines_of(log).size() < loops * file.alerts().size()) {
    REQUIRE(std::chrono::steady_clock::now() < give_up);
    const auto turn = static_cast<int>(++updates);
    const auto done = s.apply(settings(turn % 2 + 1u, turn % 4));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    std::this_thread::sleep_for(10ms);
  }
  CHECK(updates > 0);
  CHECK(s.stop().reason.empty());
  std::vector<std::string> expected, found;
  for (std::size_t i = 0; i < loops; ++i)
    expected.insert(expected.end(), file.alerts().begin(), file.alerts().end());
  for (const auto& line : lines_of(log)) found.push_back(inspect::without_message(line));
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
}

TEST_CASE("what comes byte by byte is found, though operators are replaced between the bytes") {
  using namespace instar::inspect;
  const place from{address(172, 16, 0, 1), 4000}, web{address(10, 0, 0, 80), 80};
  const place to{address(10, 7, 0, 1), 2000};
  pcap_text file;
  const auto code = udp_datagram(from, to, "............\x90\x90\x90\x90\x31\xc0\x50\x68....");
  const std::size_t border = 24; // the content lies on it
  const auto first = ipv4_packet({from.address, to.address, protocol::udp, 7, 0, true},
                                 std::string_view(code).substr(0, border));
  const auto rest = ipv4_packet({from.address, to.address, protocol::udp, 7, border, false},
                                std::string_view(code).substr(border));
  file.add(ethernet_frame(first));
  std::string sent;
  for (int i = 0; i < 64; ++i) sent += "/etc/passwd";
  for (std::uint32_t i = 0; i < sent.size(); ++i)
    file.add(ethernet_frame(
        ipv4_packet({from.address, web.address, protocol::tcp, static_cast<std::uint16_t>(i)},
                    tcp_segment(from, web, i, 16, sent.substr(i, 1)))));
  file.add(ethernet_frame(rest));

  const temporary_folder folder;
  std::ofstream(folder.path() / "own.pcap", std::ios::binary) << file.text();
  const auto log = folder.path() / "alerts.log";
  const auto settings = [&](unsigned version, int variant) {
    return graph_text({.version = version,
                       .variant = variant,
                       .capture = ", file = '" + (folder.path() / "own.pcap").string() +
                                  "', rate = 1500", // a batch, then time for an update
                       .output = ", log = '" + log.string() + "'"});
  };
  blocking_site s(settings(1, 0));
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  const auto is_done = [&] { return lines_of(log).size() >= 64 + 1; };
  for (int turn = 1; !is_done() && std::chrono::steady_clock::now() < give_up; ++turn) {
    const auto done = s.apply(settings(turn % 2 + 1u, turn % 4));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  CHECK(s.stop().reason.empty());
  CHECK(lines_of(log).size() == 64 + 1);
}

TEST_CASE("a file that comes in pieces meets an update at each of them") {
  blocking_site s(graph_text({}));
  clients::connection one("127.0.0.1", s.port());
  const traffic file(5, 60);
  const auto& text = file.file().text();
  const auto whole = "tag scan " + std::to_string(text.size()) + "\n" + text;
  int n = 0;
  for (std::size_t at = 0; at < whole.size(); ++n) {
    const auto size = n < 30 ? 1 : std::max<std::size_t>(1, whole.size() / 20);
    one.send(whole.substr(at, size));
    at += size;
    const auto done = s.apply(graph_text({.version = 2u - n % 2, .variant = n % 3}));
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
  }
  const auto answers = lines_until(one, "tag done ");
  CHECK(std::count(answers.begin(), answers.end(), '\n') ==
        static_cast<std::ptrdiff_t>(file.alerts().size() + 1));
}

TEST_CASE("who takes no answers is let go, and others are served") {
  auto small = graph_text({});
  const std::string large = "max_unread = '40MiB'";
  blocking_site s(small.replace(small.find(large), large.size(), "max_unread = '64KiB'"));
  const auto greedy = s.dial(4096);
  std::string questions;
  for (int i = 0; i < 1000; ++i) questions += "a stats\n";
  CHECK_THROWS([&] {
    for (int i = 0; i < 1000; ++i) greedy.send(questions);
  }());
  clients::connection other("127.0.0.1", s.port());
  other.send("b stats\n");
  CHECK(other.line().starts_with("b stats "));
}

TEST_CASE("version 2 finds what a tunnel hides") {
  using namespace instar::inspect;
  const place from{address(172, 16, 0, 1), 4000}, to{address(10, 0, 0, 80), 80};
  const auto inner = ipv4_packet({from.address, to.address, protocol::tcp, 1},
                                 tcp_segment(from, to, 1, 16, "GET /etc/passwd"));
  pcap_text file;
  file.add(ethernet_frame(ipv4_packet({1, 2, protocol::ip_in_ip, 1}, inner)));
  for (const unsigned version : {1u, 2u}) {
    blocking_site s(graph_text({.version = version}));
    clients::connection one("127.0.0.1", s.port());
    one.send("a scan " + std::to_string(file.text().size()) + "\n" + file.text());
    const auto answers = lines_until(one, "a done ");
    CHECK(answers.find("a alert 1 1001 tcp 172.16.0.1:4000 -> 10.0.0.80:80 ") ==
          (version == 1 ? std::string::npos : 0));
  }
}

TEST_CASE("connections that are silent are closed by version 2") {
  blocking_site s(graph_text({.version = 2, .control = ", idle_timeout = '100ms'"}));
  clients::connection one("127.0.0.1", s.port());
  CHECK(one.line() == "* error idle for too long");
  one.expect_end();
}

TEST_CASE("rules that cannot be read refuse the update, and the old ones go on") {
  blocking_site s(graph_text({}));
  const temporary_folder folder;
  std::ofstream(folder.path() / "bad.rules") << "alert tcp any any -> any 80 (sid:1;)\n";
  auto text = graph_text({});
  const std::string good = "rules = '" INSPECT_RULES "'";
  text.replace(text.find(good), good.size(),
               "rules = '" + (folder.path() / "bad.rules").string() + "'");
  const auto done = s.apply(text);
  CHECK(done.outcome != transition_outcome::committed);
  CHECK(done.reason.find("bad.rules:1: it has no content; say what is looked for") !=
        std::string::npos);
  const auto crowd = load_of(s, 1);
  settle(*crowd);
  check_unnoticed(*crowd);
}

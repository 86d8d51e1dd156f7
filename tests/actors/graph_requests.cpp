#include "actors/graph.hpp"

#include "graph_parts.hpp"

#include "actors/operator_type.hpp"
#include "actors/payload.hpp"

using namespace instar;
using namespace instar::test;

namespace {

using policy = feedback_policy;

struct question {
  static constexpr std::string_view payload_name = "q";
};
struct reply {
  static constexpr std::string_view payload_name = "r";
};

constexpr request_port<question, reply> asker{{1, "ask"}, {1, "told"}};
constexpr answer_port<question, reply> server{{0, "asked"}, {0, "answer"}};
constexpr in_port<question> in{0, "in"};
constexpr out_port<question> out{0, "out"};

type_shelf shelf() {
  type_shelf s;
  const auto add = [&](operator_type type) { s.add(describe(type)); };
  add({.name = "source", .outputs = {out}});
  add({.name = "asker", .inputs = {in, asker.told}, .outputs = {out, asker.ask}});
  add({.name = "server", .inputs = {server.asked}, .outputs = {server.answer}});
  add({.name = "sink", .inputs = {in}});
  constexpr in_port<any_payload> any{0, "in"};
  constexpr out_port<any_payload> same{0, "out", any_payload::payload_name, 0};
  add({.name = "tap", .inputs = {any}, .outputs = {same}});
  constexpr answer_port<question, reply> both{{2, "asked"}, {2, "answer"}};
  add({.name = "peer",
       .inputs = {in, asker.told, both.asked},
       .outputs = {out, asker.ask, both.answer}});
  // Two outputs that ask, with their answers at one input, or at one each.
  constexpr request_port<question, reply> second{{2, "ask2"}, {1, "told"}},
      other{{2, "ask2"}, {2, "told2"}};
  add({.name = "twice", .inputs = {in, asker.told}, .outputs = {out, asker.ask, second.ask}});
  add({.name = "apart",
       .inputs = {in, asker.told, other.told},
       .outputs = {out, asker.ask, other.ask}});
  auto odd = describe({.name = "odd", .inputs = {in}, .outputs = {out}});
  odd.outputs[0].answers = 7;
  s.add(std::move(odd));
  return s;
}

/// Operators are of the type that their name begins with; arcs "a.out b.in", "… ~" for feedback.
graph_check check(const std::vector<std::string>& arcs, std::size_t capacity = 8) {
  graph g;
  g.origin = "/g.toml";
  const auto end = [&](const std::string& text, std::string& name, std::string& port) {
    const auto dot = text.find('.');
    name = text.substr(0, dot);
    port = text.substr(dot + 1);
    if (g.find(name)) return;
    const auto type = name.substr(0, name.find_first_of("0123456789"));
    g.operators.push_back({name, type, 1, {}, {}, 100 + g.operators.size()});
  };
  for (const auto& text : arcs) {
    const auto space = text.find(' '), last = std::min(text.find(" ~"), text.size());
    arc_node a;
    end(text.substr(0, space), a.from, a.from_port);
    end(text.substr(space + 1, last - space - 1), a.to, a.to_port);
    a.capacity = capacity;
    a.line = g.arcs.size() + 1;
    if (last < text.size()) a.feedback = policy::drain;
    g.arcs.push_back(std::move(a));
  }
  const auto types = shelf();
  return check_graph(std::move(g), types.lookup());
}

/// The arcs that the check has added, with what is special about them.
std::vector<std::string> added(const std::vector<std::string>& arcs) {
  const auto c = check(arcs);
  CHECK(lines(c.mistakes) == "");
  std::vector<std::string> names;
  for (std::size_t i = arcs.size(); i < c.checked.arcs.size(); ++i) {
    const auto& a = c.checked.arcs[i];
    CHECK(a.capacity == 8);
    names.push_back(a.name() + (a.feedback == policy::none ? "" : " ") + to_string(a.feedback));
  }
  return names;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("an arc for requests brings the arc for their answers") {
  CHECK(added({"source.out asker.in", "asker.ask server.asked"}) ==
        names{"server.answer -> asker.told hand_over"});
  // Several ask one.
  CHECK(added({"source.out asker.in", "source.out asker2.in", "asker.ask server.asked",
               "asker2.ask server.asked"}) ==
        names{"server.answer -> asker.told hand_over", "server.answer -> asker2.told hand_over"});
  CHECK(added({"source.out twice.in", "twice.ask server.asked", "twice.ask2 server.asked"}) ==
        names{"server.answer -> twice.told hand_over"});
}

TEST_CASE("others may be on the way of requests and answers") {
  CHECK(added({"source.out asker.in", "asker.ask tap.in", "tap.out tap2.in",
               "tap2.out server.asked"}) == names{"server.answer -> asker.told hand_over"});
  CHECK(added({"source.out asker.in", "asker.ask tap.in", "tap.out server.asked",
               "server.answer tap2.in", "tap2.out asker.told ~"}) == names{});
  // Along a feedback arc of which the second half is one.
  CHECK(added({"source.out peer.in", "source.out peer2.in", "peer.ask peer2.asked",
               "peer2.ask tap.in", "tap.out peer.asked ~"}) ==
        names{"peer2.answer -> peer.told hand_over", "peer.answer -> peer2.told"});
  const auto wrong = [](const std::vector<std::string>& arcs) {
    return lines(check(arcs).mistakes);
  };
  CHECK(wrong({"source.out asker.in", "asker.ask tap.in", "tap.out sink.in"})
            .find("does not answer") != std::string::npos);
  CHECK(wrong({"source.out tap.in", "tap.out server.asked"}).find("does not ask") !=
        std::string::npos);
  // To two, or to nobody.
  CHECK(wrong({"source.out asker.in", "asker.ask tap.in", "tap.out server.asked",
               "tap.out server2.asked"}) != "");
  CHECK(wrong({"source.out asker.in", "asker.ask tap.in"}) != "");
  // Round for ever.
  CHECK(wrong({"source.out asker.in", "asker.ask tap.in", "tap.out tap2.in",
               "tap2.out tap.in ~"}) != "");
}

TEST_CASE("the arc for the answers may be given, to say more of it") {
  const auto c =
      check({"source.out asker.in", "asker.ask server.asked", "server.answer asker.told ~"});
  CHECK(lines(c.mistakes) == "");
  CHECK(c.checked.arcs.size() == 3);
  CHECK(c.checked.arcs[2].feedback == policy::drain);
}

TEST_CASE("what has been checked can be checked again") {
  const auto types = shelf();
  const auto once = check({"source.out asker.in", "asker.ask server.asked"});
  const auto twice = check_graph(once.checked, types.lookup());
  CHECK(lines(twice.mistakes) == "");
  CHECK(twice.checked.arcs.size() == once.checked.arcs.size());
}

TEST_CASE("of two that ask each other one asks along a feedback arc") {
  CHECK(added({"source.out peer.in", "source.out peer2.in", "peer.ask peer2.asked",
               "peer2.ask peer.asked ~"}) ==
        names{"peer2.answer -> peer.told hand_over", "peer.answer -> peer2.told"});
  const auto c = check({"source.out peer.in", "source.out peer2.in", "peer.ask peer2.asked",
                        "peer2.ask peer.asked"});
  CHECK(lines(c.mistakes).find("is on a cycle (peer -> peer2 -> peer)") != std::string::npos);
  // Or asks itself.
  CHECK(added({"source.out peer.in", "peer.ask peer.asked ~"}) ==
        names{"peer.answer -> peer.told hand_over"});
}

TEST_CASE("who asks needs nobody to be asked, but who is asked needs somebody who asks") {
  CHECK(added({"source.out asker.in"}).empty());
  check_mistakes(check({"source.out sink.in", "server.answer sink.in"}).mistakes,
                 {"operator 'server': no arc leads to its input 'asked'; add one",
                  "carries answers, but sink@1 has not asked", "carries r, but sink@1 accepts q"});
}

TEST_CASE("arcs between ports of which only one has to do with requests are refused") {
  check_mistakes(check({"source.out asker.in", "asker.ask sink.in"}).mistakes,
                 {"/g.toml:2: operator 'asker': the arc asker.ask -> sink.in carries requests, but "
                  "sink@1 does "
                  "not answer what comes to 'in'; lead it to an input that answers"});
  check_mistakes(
      check({"source.out server.asked"}).mistakes,
      {"/g.toml:1: operator 'source': the arc source.out -> server.asked leads to an input that "
       "answers, but 'out' of source@1 does not ask; lead it to another input, or ask from an "
       "output that does"});
  check_mistakes(
      check({"source.out asker.in", "asker.ask server.asked", "server.answer sink.in"}).mistakes,
      {"/g.toml:3: operator 'server': the arc server.answer -> sink.in carries answers, "
       "but sink@1 has not asked for what comes to 'in'; remove it, or lead it to who "
       "asks",
       "carries r, but sink@1 accepts q"});
  check_mistakes(
      check({"source.out asker.in", "source.out asker.told"}).mistakes,
      {"/g.toml:2: operator 'source': the arc source.out -> asker.told leads to an input for "
       "answers, but 'out' of source@1 gives none; lead it to another input",
       "carries q, but asker@1 accepts r"});
}

TEST_CASE("answers without requests are refused") {
  check_mistakes(
      check({"source.out asker.in", "source.out asker2.in", "asker.ask server.asked",
             "server.answer asker2.told ~"})
          .mistakes,
      {"/g.toml:4: operator 'server': the arc server.answer -> asker2.told carries "
       "answers, but no arc brings the requests from 'asker2' to 'server'; add that one, "
       "which brings this one with it",
       "closes no cycle"});
}

TEST_CASE("a request has one answer, and one way for it") {
  check_mistakes(
      check({"source.out asker.in", "asker.ask server.asked", "asker.ask server2.asked"}).mistakes,
      {"/g.toml:3: operator 'asker': a second arc, asker.ask -> server2.asked, leaves its output "
       "'ask' that asks, but a request has one answer; keep one of them"});
  check_mistakes(
      check({"source.out apart.in", "apart.ask server.asked", "apart.ask2 server.asked"}).mistakes,
      {"/g.toml:3: operator 'apart': two of its outputs ask 'server' and have their answers at "
       "different inputs, 'told' and 'told2'; ask by one of them"});
}

TEST_CASE("a type whose ports for requests make no sense is told") {
  check_mistakes(check({"source.out odd.in"}).mistakes,
                 {"/g.toml:101: operator 'odd': output 'out' of 'odd' has its answers at no input; "
                  "mend odd@1"});
}

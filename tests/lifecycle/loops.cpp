#include "lifecycle/loops.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace instar;

namespace {

using policy = feedback_policy;

/// Operators are the letters of the arcs; "ab" is an arc from a to b, "ab~" a feedback arc that is
/// handed over, "ab!" one that is drained; "-" at the end: the transition removes it.
drain_query query(const std::vector<std::string>& arcs, const std::string& changes) {
  drain_query q;
  q.changes.assign(26, false);
  for (const char c : changes) q.changes[static_cast<std::size_t>(c - 'a')] = true;
  for (const auto& text : arcs) {
    drain_query::arc a;
    a.from = static_cast<std::size_t>(text[0] - 'a');
    a.to = static_cast<std::size_t>(text[1] - 'a');
    if (text.find('~') != text.npos) a.feedback = policy::hand_over;
    if (text.find('!') != text.npos) a.feedback = policy::drain;
    a.removed = text.ends_with('-');
    if (a.removed) q.changes[a.from] = q.changes[a.to] = true;
    q.arcs.push_back(a);
  }
  return q;
}

std::string letters(const std::vector<bool>& operators) {
  std::string text;
  for (std::size_t i = 0; i < operators.size(); ++i)
    if (operators[i]) text += static_cast<char>('a' + i);
  return text;
}

std::string named(const std::vector<std::string>& arcs, const drain_need& need, drain_part part) {
  std::string text;
  for (std::size_t i = 0; i < arcs.size(); ++i)
    if (need.arcs[i] == part) text += (text.empty() ? "" : " ") + arcs[i].substr(0, 2);
  return text;
}

void check(const std::vector<std::string>& arcs, const std::string& changes,
           const std::string& heads, const std::string& inside, const std::string& entrances = "",
           const std::string& crossed_besides = "") {
  const auto need = find_drain(query(arcs, changes));
  CHECK(letters(need.heads) == heads);
  CHECK(named(arcs, need, drain_part::inside) == inside);
  CHECK(named(arcs, need, drain_part::entrance) == entrances);
  std::set<char> crossed; // all of the loops
  for (std::size_t i = 0; i < arcs.size(); ++i)
    if (need.arcs[i] == drain_part::inside) crossed.insert(arcs[i][0]);
  crossed.insert(crossed_besides.begin(), crossed_besides.end());
  CHECK(letters(need.crossed) == std::string(crossed.begin(), crossed.end()));
}

} // namespace

TEST_CASE("a loop is drained if its policy says so and an operator in it changes") {
  // a -> b -> c -> d -> e, back from d to b
  const std::vector<std::string> drained{"ab", "bc", "cd", "de", "db!"};
  for (const std::string in_loop : {"b", "c", "d", "bcd", "ac"})
    check(drained, in_loop, "b", "bc cd db");
  for (const std::string outside : {"", "a", "e", "ae"}) check(drained, outside, "", "");
  const std::vector<std::string> handed_over{"ab", "bc", "cd", "de", "db~"};
  for (const std::string any : {"", "a", "b", "c", "d", "e", "abcde"})
    check(handed_over, any, "", "");
}

TEST_CASE("a feedback arc that is removed is drained whatever its policy") {
  check({"ab", "bc", "cd", "db~-"}, "", "b", "bc cd db");
  check({"ab", "bc", "cd", "db!-"}, "", "b", "bc cd db");
}

TEST_CASE("what lies beside the ways from head to tail is not of the loop") {
  check({"ab", "bc", "cb!", "bx", "cy", "xz", "yz"}, "c", "b", "bc cb");
  check({"ab", "bc", "cb!", "bx", "cy"}, "x", "", "");
}

TEST_CASE("an arc that leads into a loop elsewhere than at its head brings a marker first") {
  check({"ab", "bc", "cd", "db!", "sc"}, "b", "b", "bc cd db", "sc", "sc");
  check({"ab", "bc", "cd", "db!", "sc", "ts"}, "b", "b", "bc cd db", "sc", "sc");
  check({"ab", "bc", "cd", "db!", "ac"}, "b", "b", "bc cd db", "ac", "ac");
  check({"ab", "bc", "cd", "db!", "sb"}, "b", "b", "bc cd db"); // the head holds it back
}

TEST_CASE("the outermost head holds back for loops within loops") {
  // a -> b -> c -> d -> e, back from d to c and from e to b
  const std::vector<std::string> both{"ab", "bc", "cd", "de", "dc!", "eb!"};
  check(both, "b", "b", "bc cd de dc eb");
  check(both, "d", "b", "bc cd de dc eb");
  const std::vector<std::string> inner{"ab", "bc", "cd", "de", "dc!", "eb~"};
  check(inner, "b", "", "");
  check(inner, "d", "c", "cd dc");
  const std::vector<std::string> outer{"ab", "bc", "cd", "de", "dc~", "eb!"};
  check(outer, "d", "b", "bc cd de dc eb");
}

TEST_CASE("a packet may come back by way of a loop within") {
  // a -> b -> c -> d, back from c to a; x hangs on b and leads back to b only.
  check({"ab", "bc", "cd", "ca!", "bx", "xb~"}, "x", "a", "ab bc ca bx xb");
}

TEST_CASE("loops that are entrances of each other are emptied together") {
  // p and q both ask s
  const std::vector<std::string> arcs{"ap", "bq", "ps", "qs", "sp!", "sq!"};
  check(arcs, "s", "pq", "ps qs sp sq");
  check(arcs, "p", "p", "ps sp", "qs", "qs");
}

TEST_CASE("loops one after the other are emptied together, with what is between") {
  const std::vector<std::string> arcs{"ab", "bc", "cb!", "cd", "de", "ef", "fe!", "fg", "se"};
  check(arcs, "bf", "b", "bc cb cd de ef fe", "se", "se");
  check(arcs, "f", "e", "ef fe");
}

TEST_CASE("another feedback arc to the head is held back like what comes from outside") {
  check({"ab", "bc", "cd", "cb!", "db~"}, "c", "b", "bc cb");
  check({"ab", "bc", "cd", "cb!", "db!"}, "c", "b", "bc cd cb db");
}

TEST_CASE("an operator may be its own loop") {
  check({"ab", "bb!", "bc"}, "b", "b", "bb");
  check({"ab", "bb!", "bc"}, "c", "", "");
}

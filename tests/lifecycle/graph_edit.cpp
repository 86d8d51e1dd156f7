#include "lifecycle/graph_edit.hpp"

#include "actors/graph_text.hpp"

#include <doctest/doctest.h>

using namespace instar;

namespace {

operator_node node(const std::string& name) {
  operator_node op;
  op.name = name;
  op.type = "test.any";
  op.version = 1;
  return op;
}

arc_node arc(const std::string& from, const std::string& from_port, const std::string& to,
             const std::string& to_port, std::size_t capacity = 0,
             feedback_policy feedback = feedback_policy::none) {
  return {from, from_port, to, to_port, capacity, 0, feedback};
}

/// As written: ports are left out where an operator has one.
graph written() {
  graph g;
  g.name = "shop";
  for (const auto* name : {"parse", "load", "reply"}) g.operators.push_back(node(name));
  g.arcs = {arc("parse", "request", "load", "", 64), arc("load", "", "reply", ""),
            arc("reply", "again", "parse", "in", 8, feedback_policy::drain)};
  return g;
}

/// The same with everything filled in.
graph checked() {
  auto g = written();
  g.arcs[0].to_port = g.arcs[1].to_port = "in";
  g.arcs[1].from_port = "out";
  g.arcs[1].capacity = default_arc_capacity;
  return g;
}

graph_edit put(const std::string& on, const std::string& name = "tap") {
  return {{{on, node(name), "in", "out"}}, {}};
}

std::string refusal(const graph_edit& edit) {
  const auto made = apply_edit(written(), checked(), edit);
  return made ? "" : made.error().message;
}

} // namespace

TEST_CASE("an arc becomes two of its capacity, and one again") {
  const auto on = apply_edit(written(), checked(), put("parse.request -> load.in"));
  REQUIRE(on);
  REQUIRE(on->find("tap"));
  CHECK(on->find("tap")->transient);
  REQUIRE(on->arcs.size() == 4);
  CHECK(on->arcs[0].name() == "parse.request -> tap.in");
  CHECK(on->arcs[0].capacity == 64);
  CHECK(on->arcs[1].name() == "tap.out -> load."); // still left out
  CHECK(on->arcs[1].capacity == 64);
  CHECK(has_transients(*on));

  const auto off = apply_edit(*on, checked(), {{}, {"tap"}});
  REQUIRE(off);
  CHECK(to_text(*off) == to_text(written()));
  CHECK(to_text(without_transients(*on)) == to_text(written()));
  CHECK_FALSE(has_transients(*off));
}

TEST_CASE("of a feedback arc the second half is one, so that its loop stays closed") {
  const auto on = apply_edit(written(), checked(), put("reply.again -> parse.in"));
  REQUIRE(on);
  REQUIRE(on->arcs.size() == 4);
  CHECK(on->arcs[2].feedback == feedback_policy::none);
  CHECK(on->arcs[3].feedback == feedback_policy::drain);
  const auto off = apply_edit(*on, checked(), {{}, {"tap"}});
  REQUIRE(off);
  CHECK(to_text(*off) == to_text(written()));
}

TEST_CASE("several may be on one arc, and leave it in any order") {
  auto on = apply_edit(written(), checked(), put("load.out -> reply.in", "one"));
  REQUIRE(on);
  auto filled = checked();
  filled = *apply_edit(filled, filled, put("load.out -> reply.in", "one"));
  const auto both = apply_edit(*on, filled, put("one.out -> reply.in", "two"));
  REQUIRE(both);
  CHECK(both->arcs.size() == 5);
  CHECK(to_text(without_transients(*both)) == to_text(written()));
  for (const auto& order : {std::vector<std::string>{"one", "two"}, {"two", "one"}}) {
    const auto off = apply_edit(*both, filled, {{}, order});
    REQUIRE(off);
    CHECK(to_text(*off) == to_text(written()));
  }
}

TEST_CASE("what cannot be put on or taken off is refused, with what can be done") {
  CHECK(refusal(put("parse.request -> lod.in")) ==
        "the running graph has no arc 'parse.request -> lod.in'; did you mean 'parse.request -> "
        "load.in'?; `instarctl graph` lists the arcs");
  CHECK(refusal(put("load.out -> reply.in", "parse")).find("choose another name") !=
        std::string::npos);
  graph_edit twice = put("load.out -> reply.in", "one");
  twice.insert.push_back({"load.out -> reply.in", node("two"), "in", "out"});
  CHECK(refusal(twice).find("is named twice") != std::string::npos);
  CHECK(refusal({{}, {"tap"}}).find("it is not in the running graph") != std::string::npos);
  CHECK(refusal({{}, {"load"}}).find("was not put on an arc") != std::string::npos);
  CHECK(refusal({}) == "");
}

TEST_CASE("an arc is found with its ports, or without them where that is clear") {
  auto g = checked();
  const auto find = [&](const char* text) {
    const auto found = find_arc(g, text);
    return found ? (*found)->name() : found.error().message;
  };
  CHECK(find("parse.request -> load.in") == "parse.request -> load.in");
  CHECK(find("parse -> load") == "parse.request -> load.in");
  CHECK(find("  parse->load.in ") == "parse.request -> load.in");
  CHECK(find("parse -> laod").find("did you mean 'parse -> load'?") != std::string::npos);
  CHECK(find("parse.wrong -> load").find("no arc") != std::string::npos);
  for (const auto* wrong : {"", "parse", "->", "parse ->", "-> load", " . -> . "})
    CHECK(find(wrong).find("is no arc; write") != std::string::npos);
  g.arcs.push_back(arc("parse", "errors", "load", "in"));
  CHECK(find("parse -> load") == "'parse -> load' may be any of 'parse.request -> load.in', "
                                 "'parse.errors -> load.in'; name the ports");
}

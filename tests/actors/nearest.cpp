#include "actors/nearest.hpp"

#include <doctest/doctest.h>

using namespace instar;

TEST_CASE("the distance of two names counts changed, added, missing and swapped letters") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("graph", "graph") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("grahp", "graph") == 1);
  CHECK(edit_distance("grph", "graph") == 1);
  CHECK(edit_distance("ggraph", "graph") == 1);
  CHECK(edit_distance("greph", "graph") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("load", "reply") == 5);
}

TEST_CASE("a near name is suggested, else the names are listed") {
  CHECK(suggest("pasre", {"accept", "parse"}) == "; did you mean 'parse'?");
  CHECK(suggest("x", {"accept", "parse"}) == "; there are 'accept', 'parse'");
  CHECK(suggest("", {"a", "b"}) == "; there are 'a', 'b'");
  CHECK(suggest("x", {}) == "; there are none");
  CHECK(suggest(std::string(1'000'000, 'a'), {std::string(1'000'000, 'b')}).size() < 1'000'100);
}

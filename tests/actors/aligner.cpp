#include "actors/aligner.hpp"

#include <doctest/doctest.h>

using namespace instar;
using verdict = marker_aligner::verdict;

TEST_CASE("a port that delivered its marker is held until the others follow") {
  marker_aligner a;
  a.begin(5, {true, true, true});
  CHECK(a.on_marker(1, 5) == verdict::waiting);
  CHECK(a.held(1));
  CHECK_FALSE(a.held(0));
  CHECK(a.on_marker(0, 5) == verdict::waiting);
  CHECK(a.on_marker(2, 5) == verdict::complete);
  CHECK(a.complete());
  CHECK(a.held(0));
}

TEST_CASE("an arc from outside the region stays open until the cut, and is held at it") {
  marker_aligner a;
  a.begin(5, {true, false});
  CHECK_FALSE(a.held(1));
  CHECK(a.on_marker(0, 5) == verdict::complete);
  CHECK(a.held(1));
  a.finish();
  CHECK_FALSE(a.held(0));
  CHECK_FALSE(a.held(1));
}

TEST_CASE("a marker of another epoch is stale") {
  marker_aligner a;
  CHECK(a.on_marker(0, 4) == verdict::stale);
  a.begin(5, {true});
  CHECK(a.on_marker(0, 4) == verdict::stale);
  CHECK_FALSE(a.held(0));
  CHECK(a.on_marker(0, 5) == verdict::complete);
  CHECK(a.on_marker(0, 5) == verdict::stale);
}

TEST_CASE("a head of the region is at its cut when it is told, and only with its epoch") {
  marker_aligner a;
  a.begin(5, {false, false});
  CHECK_FALSE(a.complete());
  CHECK(a.enter(4) == verdict::stale);
  CHECK(a.enter(5) == verdict::complete);
  marker_aligner inner;
  inner.begin(5, {true});
  CHECK(inner.enter(5) == verdict::waiting);
}

TEST_CASE("after a rollback the next epoch starts from nothing") {
  marker_aligner a;
  a.begin(5, {true, true});
  a.on_marker(0, 5);
  a.finish();
  CHECK_FALSE(a.held(0));
  a.begin(6, {true, true});
  CHECK_FALSE(a.held(0));
  CHECK(a.on_marker(0, 5) == verdict::stale);
  CHECK(a.on_marker(1, 6) == verdict::waiting);
  CHECK(a.on_marker(0, 6) == verdict::complete);
}

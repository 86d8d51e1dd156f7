#pragma once

#include "actors/graph.hpp"
#include "lifecycle/own_operators.hpp"
#include "lifecycle/policy.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace instar::test {

using texts = std::vector<std::pair<std::string, std::string>>;

/// A policy's settings as `check_graph` completes them.
inline settings policy_settings(const texts& given) {
  graph g;
  operator_node op;
  op.name = "policy";
  op.type = "instar.policy";
  op.version = 1;
  for (const auto& one : given) op.values.set(one.first, one.second);
  g.operators.push_back(std::move(op));
  auto library = own_operators();
  auto check = check_graph(std::move(g), [&](std::string_view type, std::uint32_t version) {
    return library.describe(type, version);
  });
  for (const auto& m : check.mistakes) FAIL(m.message);
  return check.checked.operators.front().values;
}

/// The rule of good settings.
inline policy_rule policy_rule_of(const texts& given) {
  auto read = read_policy(policy_settings(given));
  for (const auto& m : read.mistakes) FAIL(m);
  return std::move(read.rule);
}

/// A level, as it is read.
inline metric_reading level_of(double value) {
  metric_reading made;
  made.level = value;
  return made;
}

} // namespace instar::test

#pragma once

#include "transfer/conversion.hpp"
#include "transfer/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace instar {

class operator_library;
struct operator_description;

/// One converter on the way of some state, by the operator that brings it.
struct converter_step {
  std::string type;
  std::uint32_t version = 0;
  std::uint64_t from = 0, to = 0;

  std::string reference() const { return type + "@" + std::to_string(version); }
  bool operator==(const converter_step&) const = default;
};

/// The way that state takes to a successor, or a part of it. Decided by the plan.
struct state_route {
  std::uint64_t written = 0; ///< schema that the old instance writes; 0 = nothing goes this way
  std::uint64_t read = 0;    ///< schema that the new one reads
  std::vector<converter_step> converters;

  bool moves() const { return written != 0; }
  bool operator==(const state_route&) const = default;
};

/// The converters of a route with their code, for state that goes to an operator of type `to`.
result<conversion> load_conversion(operator_library& from, const state_route& route,
                                   const operator_description& to);

} // namespace instar

#pragma once

#include "transfer/result.hpp"
#include "transfer/schema.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace instar {

/// A schema that state may be written in, or read from, at a cost.
struct offered_format {
  std::uint64_t schema = 0;
  std::uint32_t cost = 1;
};

/// One converter that can be had.
struct offered_converter {
  std::string owner; ///< the operator that brings it, as `type@version`
  std::uint64_t from = 0, to = 0;
  std::uint32_t cost = 10;
  schema_set schemas; ///< of the module that it is in
};

/// What is to be agreed on: formats of whoever has the state and of who gets it, and what can turn
/// one into another.
struct format_question {
  std::string from_name, to_name; ///< for messages: `type@version`
  std::vector<offered_format> exports, imports;
  schema_set from_schemas, to_schemas;
  const std::vector<offered_converter>* converters = nullptr;
};

/// The way state takes.
struct format_route {
  std::uint64_t written = 0;      ///< schema that the old instance writes
  std::uint64_t read = 0;         ///< schema that the new one reads
  std::vector<std::size_t> steps; ///< converters in between, as numbers
  std::uint64_t cost = 0;         ///< of the two formats and the converters
};

/// The best common format: the cheapest way from one that the old side exports to one that the new
/// side imports, after K42's negotiation (Soules et al., "System Support for Online
/// Reconfiguration", USENIX 2003), which knows no converters. Of ways that cost the same, the one
/// with fewer converters, then the one that comes first in the lists.
///
/// Where two modules say the same type, `check_compatible` has to like their versions of it. The
/// failure names the field that stands in the way, or the schemas between which no converter leads.
result<format_route> negotiate(const format_question& question);

} // namespace instar

#pragma once

#include "actors/operator_type.hpp"
#include "actors/settings.hpp"
#include "transfer/converters.hpp"
#include "transfer/schema.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// One port, read from a manifest. Fields as in `port_type`.
struct port_description {
  std::string name;
  std::string payload;
  std::uint64_t schema = 0;
  int follows = -1;
  int answers = -1;

  bool operator==(const port_description&) const = default;
};

struct setting_description {
  std::string name;
  setting_kind kind = setting_kind::text;
  std::string default_value;
  bool required = false;
  std::string help;

  bool operator==(const setting_description&) const = default;
};

/// `native_state`, read from a manifest.
struct native_description {
  std::string name;
  std::uint64_t layout = 0;

  bool operator==(const native_description&) const = default;
};

/// One of the converters that an operator brings, without its code.
struct converter_description {
  std::uint64_t from = 0, to = 0;
  std::uint32_t cost = 10;

  bool operator==(const converter_description&) const = default;
};

/// What is known of an operator type without running any of its code: `operator_type` as a value
/// that owns its text. Fields mean the same.
struct operator_description {
  std::string name;
  std::uint32_t version = 0;
  std::string help;
  std::vector<port_description> inputs;
  std::vector<port_description> outputs;
  std::uint64_t state_schema = 0;
  std::uint32_t state_version = 0;
  std::vector<setting_description> settings;
  bool splits = false;
  schema_set schemas; ///< of the module that brings it
  std::uint64_t part_schema = 0;
  bool mergeable = false;
  native_description native;
  std::vector<state_format> exports, imports;
  std::vector<converter_description> converters;

  /// `name@version`, as the command line and graph files write it.
  std::string reference() const { return name + "@" + std::to_string(version); }
  /// It may be handed over as it is, to one that says the same.
  bool hands_over() const { return native.layout != 0; }
};

/// What an operator's ports are to requests.
///
/// An output that asks has a server's input at the other end of its arc, and the answers come back
/// along an arc from that input's output for answers to its own input for answers.
bool asks(const port_description& output);
bool is_asked(const port_description& input);
/// An output is for the answers to some input, or an input for those to some output.
bool gives_answers(const operator_description& type, std::size_t output);
bool takes_answers(const operator_description& type, std::size_t input);
/// They ask and answer by ports of the same names, which `check_request_ports` likes: then the arcs
/// for answers are the same.
bool same_request_ports(const operator_description& a, const operator_description& b);
/// A port whose `answers` names no port, or that has two of these roles; as text, or nothing.
std::optional<std::string> check_request_ports(const operator_description& type);

/// The description of an operator that is part of the host or of a test. Its schemas are not known.
operator_description describe(const operator_type& type,
                              std::span<const converter> converters = {});

/// Finds an operator type by name and version; the failure says what there is instead.
using type_lookup =
    std::function<result<operator_description>(std::string_view name, std::uint32_t version)>;

} // namespace instar

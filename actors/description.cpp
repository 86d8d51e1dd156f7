#include "actors/description.hpp"

namespace instar {

operator_description describe(const operator_type& type) {
  operator_description d;
  d.name = type.name;
  d.version = type.version;
  d.help = type.help;
  const auto port = [](const port_type& p) {
    return port_description{std::string(p.name), std::string(p.payload), p.schema, p.follows};
  };
  for (const auto& p : type.inputs) d.inputs.push_back(port(p));
  for (const auto& p : type.outputs) d.outputs.push_back(port(p));
  d.state_schema = type.state_schema;
  d.state_version = type.state_version;
  for (const auto& s : type.settings)
    d.settings.push_back({std::string(s.name), s.kind, std::string(s.default_value), s.required,
                          std::string(s.help)});
  d.splits = type.splits;
  return d;
}

} // namespace instar

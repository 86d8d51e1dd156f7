#include "actors/description.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace instar {

namespace {

bool named_by(const std::vector<port_description>& ports, std::size_t index) {
  return std::any_of(ports.begin(), ports.end(), [&](const port_description& p) {
    return p.answers >= 0 && static_cast<std::size_t>(p.answers) == index;
  });
}

} // namespace

bool asks(const port_description& output) { return output.answers >= 0; }

bool is_asked(const port_description& input) { return input.answers >= 0; }

bool gives_answers(const operator_description& type, std::size_t output) {
  return named_by(type.inputs, output);
}

bool takes_answers(const operator_description& type, std::size_t input) {
  return named_by(type.outputs, input);
}

std::optional<std::string> check_request_ports(const operator_description& type) {
  for (std::size_t i = 0; i < type.outputs.size(); ++i) {
    const auto& out = type.outputs[i];
    if (out.answers >= static_cast<int>(type.inputs.size()))
      return "output '" + out.name + "' of '" + type.name + "' has its answers at no input";
    if (asks(out) && gives_answers(type, i))
      return "output '" + out.name + "' of '" + type.name + "' both asks and answers";
  }
  for (std::size_t i = 0; i < type.inputs.size(); ++i) {
    const auto& in = type.inputs[i];
    if (in.answers >= static_cast<int>(type.outputs.size()))
      return "input '" + in.name + "' of '" + type.name + "' is answered on no output";
    if (is_asked(in) && takes_answers(type, i))
      return "input '" + in.name + "' of '" + type.name + "' is both for questions and for answers";
  }
  return std::nullopt;
}

bool same_request_ports(const operator_description& a, const operator_description& b) {
  using pairs = std::set<std::pair<std::string, std::string>>;
  const auto partners = [](const std::vector<port_description>& ports,
                           const std::vector<port_description>& others) {
    pairs found;
    for (const auto& p : ports)
      if (p.answers >= 0) found.emplace(p.name, others[static_cast<std::size_t>(p.answers)].name);
    return found;
  };
  if (check_request_ports(a) || check_request_ports(b)) return false;
  return partners(a.outputs, a.inputs) == partners(b.outputs, b.inputs) &&
         partners(a.inputs, a.outputs) == partners(b.inputs, b.outputs);
}

operator_description describe(const operator_type& type, std::span<const converter> converters) {
  operator_description d;
  d.name = type.name;
  d.version = type.version;
  d.help = type.help;
  const auto port = [](const port_type& p) {
    return port_description{std::string(p.name), std::string(p.payload), p.schema, p.follows,
                            p.answers};
  };
  for (const auto& p : type.inputs) d.inputs.push_back(port(p));
  for (const auto& p : type.outputs) d.outputs.push_back(port(p));
  d.state_schema = type.state_schema;
  d.state_version = type.state_version;
  for (const auto& s : type.settings)
    d.settings.push_back({std::string(s.name), s.kind, std::string(s.default_value), s.required,
                          std::string(s.help)});
  d.splits = type.splits;
  d.part_schema = type.part_schema;
  d.mergeable = type.mergeable;
  d.native = {std::string(type.native.name), type.native.layout};
  d.exports.assign(type.exports.begin(), type.exports.end());
  d.imports.assign(type.imports.begin(), type.imports.end());
  for (const auto& c : converters) d.converters.push_back({c.from, c.to, c.cost});
  return d;
}

} // namespace instar

#pragma once

#include "actors/graph.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace instar::test {

/// All mistakes, a line each.
inline std::string lines(const std::vector<failure>& mistakes) {
  std::string text;
  for (const auto& m : mistakes) text += m.message + "\n";
  return text;
}

/// That every mistake is one line, and that these are among them.
inline void check_mistakes(const std::vector<failure>& mistakes,
                           std::initializer_list<std::string_view> wanted) {
  const auto all = lines(mistakes);
  CHECK_MESSAGE(mistakes.size() == wanted.size(), all);
  for (const auto& m : mistakes)
    CHECK_MESSAGE(m.message.find('\n') == std::string::npos, m.message);
  for (const auto& w : wanted) CHECK_MESSAGE(all.find(w) != std::string::npos, all, "lacks: ", w);
}

/// Operator types of a test, by `name@version`.
class type_shelf {
public:
  void add(operator_description type) {
    types_.insert_or_assign(type.reference(), std::move(type));
  }

  type_lookup lookup() const {
    return [this](std::string_view name, std::uint32_t version) -> result<operator_description> {
      const auto key = std::string(name) + "@" + std::to_string(version);
      const auto found = types_.find(key);
      if (found == types_.end())
        return failure{errc::not_found, "no module brings " + key + "; build one"};
      return found->second;
    };
  }

private:
  std::map<std::string, operator_description> types_;
};

/// A type with these ports, each `name:payload`.
inline operator_description made_type(std::string name, std::vector<std::string> inputs,
                                      std::vector<std::string> outputs) {
  operator_description type;
  type.name = std::move(name);
  type.version = 1;
  const auto port = [](const std::string& text) {
    const auto colon = text.find(':');
    return port_description{text.substr(0, colon), text.substr(colon + 1), 0, -1};
  };
  for (const auto& p : inputs) type.inputs.push_back(port(p));
  for (const auto& p : outputs) type.outputs.push_back(port(p));
  return type;
}

} // namespace instar::test

#pragma once

#include "actors/module.hpp"

/// What the modules that a loader must refuse are made of: well-formed parts that do not fit.
namespace odd {

class plain final : public instar::operator_base {
public:
  static constexpr instar::operator_type type{.name = "odd.plain"};
  void on_packet(instar::context&, std::size_t, instar::packet) override {}
};

class other final : public instar::operator_base {
public:
  static constexpr instar::operator_type type{.name = "odd.other"};
  void on_packet(instar::context&, std::size_t, instar::packet) override {}
};

} // namespace odd

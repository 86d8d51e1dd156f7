#pragma once

#include "lifecycle/operator_library.hpp"

#include <memory>

namespace instar {

/// Operators that are part of instar itself: `instar.tap`, `instar.policy`.
host_library own_operators();

/// Whether a type is one of these, by its name.
inline bool is_own_type(std::string_view type) { return type.starts_with("instar."); }

/// Operators that are part of instar itself, and those of another library. Names
/// that begin with `instar.` are not looked for there.
class library_with_own final : public operator_library {
public:
  explicit library_with_own(std::shared_ptr<operator_library> others);

  void set_places(std::vector<std::filesystem::path> places) override;
  result<operator_description> describe(std::string_view type, std::uint32_t version) override;
  result<operator_factory> load(std::string_view type, std::uint32_t version) override;
  std::vector<operator_description> versions(std::string_view type) override;
  result<loaded_converter> load_converter(std::string_view type, std::uint32_t version,
                                          std::uint64_t from, std::uint64_t to) override;
  totals count() const override { return others_->count(); }

private:
  operator_library& with(std::string_view type);

  host_library own_ = own_operators();
  const std::shared_ptr<operator_library> others_;
};

} // namespace instar

#include "odd_ones.hpp"

// The manifest promises one operator, the code brings another.
[[gnu::section(".instar.manifest"), gnu::used]] static constexpr auto manifest =
    instar::detail::manifest_text<"says_otherwise", odd::plain>();

extern "C" __attribute__((visibility("default"))) const instar::module_table*
instar_module_entry() {
  using entries = instar::detail::module_entries<odd::other>;
  static constexpr instar::module_table table = {instar::module_api_version,
                                                 std::size(entries::list), entries::list};
  return &table;
}

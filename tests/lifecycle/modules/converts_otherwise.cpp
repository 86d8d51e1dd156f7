#include "odd_ones.hpp"

#include "store1.capnp.h"
#include "store2.capnp.h"

// The manifest promises a converter to one schema, the code brings one from it.
namespace {

using instar::test::Store1;
using instar::test::Store2;

void there(Store1::Reader, Store2::Builder) {}
void back(Store2::Reader, Store1::Builder) {}

struct promised {
  static constexpr auto type = odd::plain::type;
  static constexpr auto converters = instar::converters<&there>;
};
class brought final : public instar::operator_base {
public:
  static constexpr auto type = odd::plain::type;
  static constexpr auto converters = instar::converters<&back>;
  void on_packet(instar::context&, std::size_t, instar::packet) override {}
};

} // namespace

[[gnu::section(".instar.manifest"), gnu::used]] static constexpr auto manifest =
    instar::detail::manifest_text<"converts_otherwise", promised>();

extern "C" __attribute__((visibility("default"))) const instar::module_table*
instar_module_entry() {
  using entries = instar::detail::module_entries<brought>;
  static constexpr instar::module_table table = {instar::module_api_version,
                                                 std::size(entries::list), entries::list};
  return &table;
}

#include "actors/bytes.hpp"
#include "actors/module.hpp"

#include "counter_state.capnp.h"
#include "store1.capnp.h"
#include "store2.capnp.h"

// One of everything that a manifest can say, and help that is long enough for tests to write over.
namespace {

using instar::test::Store1;
using instar::test::Store2;

void there(Store1::Reader, Store2::Builder) {}
void back(Store2::Reader, Store1::Builder) {}

#define TEN(x) x x x x x x x x x x

class roomy final : public instar::operator_base {
public:
  static constexpr instar::in_port<instar::bytes> in{0, "in"};
  static constexpr instar::out_port<instar::bytes> out{0, "out"};
  static constexpr instar::request_port<instar::bytes, instar::bytes> asks{{1, "ask"}, {1, "told"}};
  static constexpr instar::answer_port<instar::bytes, instar::bytes> serves{{2, "asked"},
                                                                            {2, "answer"}};
  static constexpr instar::operator_type type{
      .name = "test.roomy",
      .help = TEN(TEN(TEN("roo "))),
      .inputs = {in, asks.told, serves.asked},
      .outputs = {out, asks.ask, serves.answer},
      .state_schema = capnp::typeId<instar::test::CounterState>(),
      .state_version = 1,
      .settings = {{.name = "start", .kind = instar::setting_kind::integer, .default_value = "0"}},
      .part_schema = capnp::typeId<Store1>(),
      .native = {"test.roomy.table", 0xfedcba9876543210},
      .exports = {{capnp::typeId<Store1>(), 3}, {capnp::typeId<Store2>()}},
      .imports = {{capnp::typeId<Store2>(), 4}}};
  static constexpr auto converters = instar::converters<instar::at_cost<&there, 7>, &back>;
  void on_packet(instar::context&, std::size_t, instar::packet) override {}
};

} // namespace

INSTAR_MODULE("test_roomy", roomy)

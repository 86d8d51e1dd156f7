#include "actors/module.hpp"

#include "counter_state.capnp.h"

#include <stdexcept>

// One operator in the versions that COUNTER_VERSION says; its state's schema differs in each.
namespace {

using instar::test::CounterState;

class counter final : public instar::operator_base {
public:
  static constexpr instar::operator_type type{
      .name = "test.counter",
      .version = COUNTER_VERSION,
      .help = "counts \"things\"",
      .state_schema = capnp::typeId<CounterState>(),
      .state_version = COUNTER_VERSION,
      .settings = {{.name = "start", .kind = instar::setting_kind::integer, .default_value = "0"}}};

  explicit counter(const instar::settings& values)
      : count_(static_cast<std::uint64_t>(values.integer("start"))) {
    if (count_ == 13) throw std::runtime_error("13 brings bad luck");
  }

  void on_packet(instar::context&, std::size_t, instar::packet) override {}

  void save(instar::state_writer& w) const override {
    w.init<CounterState>().setCount(
        static_cast<decltype(CounterState::Reader().getCount())>(count_));
  }
  void restore(instar::context&, instar::state_reader& r) override {
    count_ = static_cast<std::uint64_t>(r.root<CounterState>().getCount());
  }

private:
  std::uint64_t count_;
};

} // namespace

INSTAR_MODULE("test_counter", counter)

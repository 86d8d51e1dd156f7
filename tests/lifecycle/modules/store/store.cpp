#include "actors/module.hpp"

#include "store1.capnp.h"
#include "store2.capnp.h"
#if STORE_VERSION == 3
#include "store3.capnp.h"
#endif

#include <stdexcept>
#include <string>

// One operator in the versions that STORE_VERSION says. Each keeps its state in a schema of its
// own; a later one brings the converters from the one before it and back.
namespace {

using namespace instar::test;

#if STORE_VERSION == 1
using current = Store1;
#elif STORE_VERSION == 2
using current = Store2;
#else
using current = Store3;
#endif

#if STORE_VERSION == 2
void up_to_2(Store1::Reader from, Store2::Builder to) {
  if (from.getName() == "bad") throw std::runtime_error("no such name here");
  to.setName(from.getName());
  to.setCount(from.getCount());
}
void back_to_1(Store2::Reader from, Store1::Builder to) {
  to.setName(from.getName());
  to.setCount(static_cast<std::uint32_t>(from.getCount()));
}
#endif

#if STORE_VERSION == 3
void up_to_3(Store2::Reader from, Store3::Builder to) {
  to.getEntry().setName(from.getName());
  to.getEntry().setCount(from.getCount());
  to.initSums(1).set(0, from.getSum());
}
void back_to_2(Store3::Reader from, Store2::Builder to) {
  to.setName(from.getEntry().getName());
  to.setCount(from.getEntry().getCount());
  for (const auto n : from.getSums()) to.setSum(to.getSum() + n);
}
#endif

class store final : public instar::operator_base {
public:
  static constexpr instar::operator_type type{
      .name = "test.store",
      .version = STORE_VERSION,
      .help = "counts by a name",
      .state_schema = capnp::typeId<current>(),
      .state_version = 1,
      .settings = {{.name = "name", .kind = instar::setting_kind::text, .default_value = "n"}}};
#if STORE_VERSION == 2
  static constexpr auto converters = instar::converters<&up_to_2, &back_to_1>;
#elif STORE_VERSION == 3
  static constexpr auto converters = instar::converters<&up_to_3, instar::at_cost<&back_to_2, 12>>;
#endif

  explicit store(const instar::settings& values) : name_(values.text("name")) {}

  void on_packet(instar::context&, std::size_t, instar::packet) override {}

  void save(instar::state_writer& w) const override {
    auto root = w.init<current>();
#if STORE_VERSION == 3
    root.getEntry().setName(name_);
    root.getEntry().setCount(count_);
    root.initSums(1).set(0, sum_);
#else
    root.setName(name_);
    root.setCount(count_);
#endif
#if STORE_VERSION == 2
    root.setSum(sum_);
#endif
  }
  void restore(instar::context&, instar::state_reader& r) override {
    const auto root = r.root<current>();
#if STORE_VERSION == 3
    name_ = root.getEntry().getName().cStr();
    count_ = root.getEntry().getCount();
    sum_ = 0;
    for (const auto n : root.getSums()) sum_ += n;
#else
    name_ = root.getName().cStr();
    count_ = root.getCount();
#endif
#if STORE_VERSION == 2
    sum_ = root.getSum();
#endif
  }

private:
  std::string name_;
#if STORE_VERSION == 1
  std::uint32_t count_ = 1;
#else
  std::uint64_t count_ = 1;
#endif
  [[maybe_unused]] std::uint64_t sum_ = STORE_VERSION;
};

} // namespace

INSTAR_MODULE("test_store", store)

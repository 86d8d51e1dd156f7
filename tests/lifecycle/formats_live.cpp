// State on its way between versions with other schemas, in a service as users run it.
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"

#include "store1.capnp.h"
#include "store2.capnp.h"
#include "store3.capnp.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using namespace instar;
using test::Store1;
using test::Store2;
using test::Store3;

namespace {

/// What the keeper that runs now holds. `version` is written last: who has seen it sees the rest.
struct shown {
  static constexpr std::string_view resource_name = "test.shown";
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint32_t> version{0};
  std::atomic<std::uint64_t> read{0}; ///< schema of the state that it was restored from
  std::atomic<bool> bad{false};       ///< the converter from 1 to 2 throws
};
shown* of_converters = nullptr; // these have nothing but what they convert

void up_to_2(Store1::Reader from, Store2::Builder to) {
  if (of_converters->bad) throw std::runtime_error("this one will not do");
  to.setCount(from.getCount());
}
void back_to_1(Store2::Reader from, Store1::Builder to) {
  to.setCount(static_cast<std::uint32_t>(from.getCount()));
}
void up_to_3(Store2::Reader from, Store3::Builder to) { to.getEntry().setCount(from.getCount()); }
void back_to_2(Store3::Reader from, Store2::Builder to) { to.setCount(from.getEntry().getCount()); }

template <std::uint32_t Version>
struct schema_of;
template <>
struct schema_of<1> {
  using type = Store1;
  static constexpr std::array<converter, 0> converters{};
};
template <>
struct schema_of<2> {
  using type = Store2;
  static constexpr auto converters = instar::converters<&up_to_2, &back_to_1>;
};
template <>
struct schema_of<3> {
  using type = Store3;
  static constexpr auto converters = instar::converters<&up_to_3, &back_to_2>;
};

/// Counts how often it was started; each version keeps that in a schema of its own.
template <std::uint32_t Version>
class keeper : public operator_base {
public:
  using schema = typename schema_of<Version>::type;
  static constexpr operator_type type{.name = "test.keeper",
                                      .version = Version,
                                      .state_schema = capnp::typeId<schema>(),
                                      .state_version = 1};
  static constexpr auto converters = schema_of<Version>::converters;

  void on_start(context& ctx) override {
    auto& s = ctx.host<shown>();
    s.read = read_;
    s.count = ++count_;
    s.version = Version;
  }
  void on_packet(context&, std::size_t, packet) override {}

  void save(state_writer& to) const override {
    auto root = to.init<schema>();
    if constexpr (Version == 3) root.getEntry().setCount(count_);
    else root.setCount(static_cast<decltype(root.asReader().getCount())>(count_));
  }
  void restore(context&, state_reader& from) override {
    read_ = from.header().schema_id;
    const auto root = from.root<schema>();
    if constexpr (Version == 3) count_ = root.getEntry().getCount();
    else count_ = root.getCount();
  }

private:
  std::uint64_t count_ = 0, read_ = 0;
};

/// Can also write what keepers of version 1 read, and read what those of version 3 wrote.
class polyglot : public operator_base {
public:
  static constexpr operator_type type{.name = "test.polyglot",
                                      .version = 1,
                                      .state_schema = capnp::typeId<Store2>(),
                                      .state_version = 1,
                                      .exports = {{capnp::typeId<Store1>(), 2}},
                                      .imports = {{capnp::typeId<Store3>(), 2}}};

  void on_start(context& ctx) override {
    auto& s = ctx.host<shown>();
    s.read = read_;
    s.count = ++count_;
    s.version = 100;
  }
  void on_packet(context&, std::size_t, packet) override {}
  void save(state_writer& to) const override {
    if (to.header().schema_id == capnp::typeId<Store1>())
      to.init<Store1>().setCount(static_cast<std::uint32_t>(count_));
    else to.init<Store2>().setCount(count_);
  }
  void restore(context&, state_reader& from) override {
    read_ = from.header().schema_id;
    count_ = read_ == capnp::typeId<Store3>() ? from.root<Store3>().getEntry().getCount()
                                              : from.root<Store2>().getCount();
  }

private:
  std::uint64_t count_ = 0, read_ = 0;
};

class forgetful : public operator_base {
public:
  static constexpr operator_type type{.name = "test.forgetful", .version = 1};
  void on_start(context& ctx) override { ctx.host<shown>().version = 200; }
  void on_packet(context&, std::size_t, packet) override {}
};

class running {
public:
  running() {
    of_converters = &seen;
    auto library = std::make_shared<host_library>();
    library->add<keeper<1>>();
    library->add<keeper<2>>();
    library->add<keeper<3>>();
    library->add<polyglot>();
    library->add<forgetful>();
    service_options options;
    options.workers = 2;
    options.operators = library;
    service_ = std::make_unique<service>(options);
    service_->offer(shown::resource_name, &seen);
    graph g;
    g.name = "keeper";
    operator_node op;
    op.name = "keeper";
    op.type = "test.keeper";
    op.version = 1;
    g.operators.push_back(op);
    const auto started = outcome([&](auto done) { service_->apply({g, "test", {}}, done); });
    REQUIRE_MESSAGE(started.outcome == transition_outcome::committed, started.reason);
  }
  ~running() { of_converters = nullptr; }

  history_entry update(const char* type, std::uint32_t version, consent drop_state = {}) {
    return outcome([&](auto done) {
      service_->update({{"keeper", type, version}}, "test", std::chrono::seconds(30), done, {},
                       drop_state);
    });
  }
  void committed(const char* type, std::uint32_t version) {
    const auto entry = update(type, version);
    REQUIRE_MESSAGE(entry.outcome == transition_outcome::committed, entry.reason);
  }
  service& running_service() { return *service_; }

  /// Whether the keeper that has been started last is this one: a transition is reported as
  /// committed once its successors run, which may be a moment before they have shown anything.
  bool shows(std::uint32_t version, std::uint64_t count) const {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (seen.version != version || seen.count != count) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  shown seen;

private:
  template <class Ask>
  static history_entry outcome(Ask ask) {
    std::promise<history_entry> done;
    ask([&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  std::unique_ptr<service> service_;
};

} // namespace

TEST_CASE("a service goes up and down through versions whose schemas are all different") {
  running r;
  CHECK(r.shows(1, 1));
  r.committed("test.keeper", 3);
  CHECK(r.shows(3, 2));
  CHECK(r.seen.read == capnp::typeId<Store3>());
  r.committed("test.keeper", 1);
  CHECK(r.shows(1, 3));
  r.committed("test.keeper", 2);
  r.committed("test.keeper", 3);
  CHECK(r.shows(3, 5));
}

TEST_CASE("a converter that throws leaves the old version serving with its state") {
  running r;
  r.seen.bad = true;
  const auto failed = r.update("test.keeper", 2);
  CHECK(failed.outcome == transition_outcome::rolled_back);
  CHECK(failed.reason.find("this one will not do") != std::string::npos);
  CHECK(r.shows(1, 1));
  r.seen.bad = false;
  r.committed("test.keeper", 2);
  CHECK(r.shows(2, 2));
}

TEST_CASE("what the old version exports, or the new one imports, needs no converter") {
  running r;
  r.committed("test.keeper", 3);
  r.committed("test.polyglot", 1);
  CHECK(r.shows(100, 3));
  CHECK(r.seen.read == capnp::typeId<Store3>());
  r.committed("test.keeper", 1);
  CHECK(r.shows(1, 4));
  CHECK(r.seen.read == capnp::typeId<Store1>());
}

TEST_CASE("state is lost only if somebody has agreed to that by name, and the history says it") {
  running r;
  const auto refused = r.update("test.forgetful", 1);
  CHECK(refused.outcome == transition_outcome::refused);
  CHECK(refused.reason.find("--drop-state keeper") != std::string::npos);
  CHECK(r.update("test.forgetful", 1, {"keeper", "other"}).outcome == transition_outcome::refused);
  const auto dropped = r.update("test.forgetful", 1, {"keeper"});
  CHECK(dropped.outcome == transition_outcome::committed);
  CHECK(dropped.what == "keeper: test.keeper@1 -> test.forgetful@1 (state DROPPED)");
  CHECK(r.shows(200, 1));
  CHECK(r.update("test.keeper", 1, {"keeper"}).outcome == transition_outcome::refused);
  r.committed("test.keeper", 1);
  CHECK(r.shows(1, 1));

  std::promise<transition_plan> planned;
  r.running_service().plan(std::vector<operator_update>{{"keeper", "test.forgetful", 1}},
                           [&](transition_plan p) { planned.set_value(std::move(p)); }, {"keeper"});
  CHECK(planned.get_future().get().operators.at(0).drops_state);
}

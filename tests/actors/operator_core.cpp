#include "actors/operator_core.hpp"

#include "actors/checkpoint_sink.hpp"
#include "actors/doorbell.hpp"
#include "actors/instance.hpp"
#include "actors/open_requests.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <thread>

using namespace instar;

namespace {

/// Nobody is around the core: what it tells is dropped.
class quiet_host final : public core_host {
public:
  core_clock::time_point now() override { return core_clock::now(); }
  void start_timer(std::uint64_t, core_clock::time_point) override {}
  void start_job(std::uint64_t, std::function<void()>, std::shared_ptr<operator_base>) override {}
  void* resource(std::string_view) override { return nullptr; }
  void write_log(log_level, std::string_view) override {}
  void request_stop(std::string) override {}
  void send_part(epoch_t, sent_part) override {}
  void copied(epoch_t) override {}
  void parts_moved(epoch_t, std::uint64_t, std::uint64_t) override {}
  void all_moved(epoch_t) override {}
  void at_cut(epoch_t, std::optional<state>) override {}
  void cut_delayed(epoch_t, std::string) override {}
  void cut_failed(epoch_t, std::string) override {}
};

struct grain : payload {
  static constexpr std::string_view payload_name = "test.grain";
  std::string_view type_name() const noexcept override { return payload_name; }
};

class relay : public operator_base {
public:
  static constexpr in_port<grain> in{0, "in"};
  static constexpr out_port<grain> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.relay", .version = 1, .inputs = {in}, .outputs = {out}};

  void on_packet(context& ctx, std::size_t, packet p) override {
    ctx.emit(out, make_payload<grain>(), p.key);
  }
};

/// Takes what comes, and keeps from some number on.
class keeper : public operator_base {
public:
  static constexpr in_port<grain> in{0, "in"};
  static constexpr out_port<grain> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.keeper", .version = 1, .inputs = {in}, .outputs = {out}};

  void on_packet(context& ctx, std::size_t, packet) override {
    if (++taken == from) ctx.keep(how);
  }
  void on_events(context& ctx, std::span<event>) override { ctx.keep(context::keeping::nothing); }
  std::optional<std::string> not_yet(context&, cut_purpose) override {
    if (when_asked) when_asked();
    return reason;
  }
  bool has_thread() const noexcept override { return threaded; }
  void on_cut_ahead(context&) override { ++told; }
  void on_go_on(context&) override { ++went_on; }

  static inline int taken, from, told, went_on;
  static inline context::keeping how;
  static inline std::optional<std::string> reason;
  static inline std::function<void()> when_asked;
  static inline bool threaded;
};

/// A core between two arcs.
struct placed {
  placed() {
    keeper::taken = keeper::told = keeper::went_on = 0;
    keeper::from = -1;
    keeper::reason = {};
    keeper::when_asked = {};
    keeper::threaded = false;
    core.set_instance(host_factory<keeper>()({}));
    operator_links links;
    links.in.push_back({before, 0, other, false});
    links.out.push_back({after, 0, other});
    core.start(std::move(links), {});
    core.activate();
  }
  ~placed() { core.end(); }

  void push(int packets) {
    for (int i = 0; i < packets; ++i) before->push({make_payload<grain>(), 0});
    before->publish();
  }
  void mark(epoch_t epoch) {
    before->push_marker(epoch);
    before->publish();
  }
  participation part(epoch_t epoch, cut_role role) const {
    participation p;
    p.epoch = epoch;
    p.role = role;
    p.marked_in = {before};
    p.marked_out = {after};
    return p;
  }

  quiet_host host;
  std::shared_ptr<doorbell> bell = std::make_shared<doorbell>(),
                            other = std::make_shared<doorbell>();
  std::shared_ptr<arc> before = std::make_shared<arc>("before", 16),
                       after = std::make_shared<arc>("after", 16);
  std::shared_ptr<inlet> events = std::make_shared<inlet>(bell);
  operator_core core{host,
                     {{"keeper", bell, events, std::make_shared<operator_counters>(), 1,
                       std::make_shared<open_requests>(1)},
                      describe(keeper::type),
                      host_factory<keeper>(),
                      {},
                      {},
                      1}};
};

struct unread_sink final : checkpoint_sink {
  void part(const std::string&, state, std::function<void()>) override {}
  void cut(const std::string&, state, std::vector<saved_timer>) override { ++cuts; }
  int cuts = 0;
};

} // namespace

TEST_CASE("who is full gets no further packet of the same activation") {
  for (const auto how : {context::keeping::full, context::keeping::no_room}) {
    placed p;
    keeper::how = how;
    keeper::from = 3;
    p.push(10);
    p.core.activate();
    CHECK(keeper::taken == 3);
    p.core.activate();
    CHECK(keeper::taken == 3);
    p.events->post(event{});
    p.core.activate();
    CHECK(keeper::taken == 10);
  }
}

TEST_CASE("who has no room takes what a marker has come behind, and comes to its cut") {
  placed p;
  keeper::how = context::keeping::no_room;
  keeper::from = 3;
  REQUIRE(p.core.prepare(p.part(2, cut_role::pass)));
  p.push(10);
  p.core.activate();
  CHECK(keeper::taken == 3);
  p.mark(2);
  p.push(2);
  p.core.activate();
  CHECK(keeper::taken == 10);
  CHECK(p.after->readable());
  CHECK(p.after->at_marker());
  p.core.activate();
  CHECK(keeper::taken == 10);
}

TEST_CASE("who is full holds the marker back, and what is before it") {
  placed p;
  keeper::how = context::keeping::full;
  keeper::from = 3;
  REQUIRE(p.core.prepare(p.part(2, cut_role::pass)));
  p.push(10);
  p.mark(2);
  p.core.activate();
  CHECK(keeper::taken == 3);
  CHECK_FALSE(p.after->readable());
}

TEST_CASE("an operator that was asked whether it is ready learns that it goes on") {
  placed p;
  REQUIRE(p.core.prepare(p.part(2, cut_role::replace)));
  p.mark(2);
  p.core.activate();
  CHECK_FALSE(p.core.running()); // at its cut
  CHECK(keeper::went_on == 0);
  CHECK(p.core.abort(2));
  CHECK(keeper::went_on == 1);

  keeper::reason = "not now";
  REQUIRE(p.core.prepare(p.part(3, cut_role::replace)));
  p.mark(3);
  p.core.activate();
  CHECK(p.core.running());
  CHECK_FALSE(p.core.abort(3));
  CHECK(keeper::went_on == 2);

  // Nobody asks whom a marker only passes.
  REQUIRE(p.core.prepare(p.part(4, cut_role::pass)));
  p.mark(4);
  p.core.activate();
  CHECK(keeper::went_on == 2);

  keeper::reason = {};
  auto checkpoint = p.part(5, cut_role::pass);
  const auto sink = std::make_shared<unread_sink>();
  checkpoint.sink = sink;
  REQUIRE(p.core.prepare(std::move(checkpoint)));
  p.mark(5);
  p.core.activate();
  CHECK(sink->cuts == 1);
  CHECK(keeper::went_on == 3);
}

TEST_CASE("who will be asked whether it is ready is told as soon as the markers are sent") {
  placed p;
  REQUIRE(p.core.prepare(p.part(2, cut_role::replace)));
  p.core.mark(1); // of a transition that was given up
  CHECK(keeper::told == 0);
  p.core.mark(2);
  CHECK(keeper::told == 1);
  p.push(1);
  p.core.activate();
  CHECK(keeper::taken == 1);
  CHECK_FALSE(p.core.abort(2)); // before its cut
  CHECK(keeper::went_on == 1);

  // The marker may be faster than the message.
  REQUIRE(p.core.prepare(p.part(3, cut_role::replace)));
  p.mark(3);
  p.core.activate();
  CHECK_FALSE(p.core.running());
  p.core.mark(3);
  CHECK(keeper::told == 1);
  p.core.abort(3);

  // Who only lets markers pass, who ends, and who may be needed for loops to become empty.
  auto emptied = p.part(4, cut_role::replace);
  emptied.drains = true;
  for (auto part : {p.part(4, cut_role::pass), p.part(4, cut_role::remove), emptied}) {
    REQUIRE(p.core.prepare(part));
    p.core.mark(4);
    p.core.abort(4);
  }
  CHECK(keeper::told == 1);
  auto heir = p.part(5, cut_role::remove);
  heir.saves_state = true;
  REQUIRE(p.core.prepare(heir));
  p.core.mark(5);
  CHECK(keeper::told == 2);
}

TEST_CASE("who is awake while the last way into its loop is closed looks again before it sleeps") {
  placed p;
  keeper::threaded = true;
  keeper::reason = "its thread works";
  auto part = p.part(2, cut_role::replace);
  const auto loops = std::make_shared<loop_drain>(std::vector<std::shared_ptr<arc>>{}, 1,
                                                  std::vector<std::shared_ptr<doorbell>>{p.bell});
  part.drain = loops;
  part.in_loop = true;
  REQUIRE(p.core.prepare(std::move(part)));
  int asked = 0;
  keeper::when_asked = [&] {
    if (++asked == 1) loops->close(); // elsewhere: its own bell is not armed
  };
  p.mark(2);
  CHECK(p.core.activate());
  CHECK(asked == 1);
  CHECK(loops->stirring() == 1);
  keeper::reason = {};
  p.core.activate();
  CHECK(asked > 1);
  CHECK(loops->stirring() == 0);
  CHECK_FALSE(p.core.running()); // at its cut
}

TEST_CASE("nobody finds a packet gone from an arc and not yet what was made of it") {
  quiet_host host;
  auto bell = std::make_shared<doorbell>(), other = std::make_shared<doorbell>();
  const auto before = std::make_shared<arc>("before", 4), after = std::make_shared<arc>("after", 4);
  operator_core core(
      host, {{"relay", bell, std::make_shared<inlet>(bell), std::make_shared<operator_counters>(),
              1, std::make_shared<open_requests>(1)},
             describe(relay::type),
             host_factory<relay>(),
             {},
             {},
             1});
  core.set_instance(host_factory<relay>()({}));
  operator_links links;
  links.in.push_back({before, 0, other, false});
  links.out.push_back({after, 0, other});
  core.start(std::move(links), {});

  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop.load(std::memory_order_relaxed)) core.activate();
  });
  constexpr int packets = 100'000;
  int unseen = 0;
  for (int i = 0; i < packets; ++i) {
    before->push({make_payload<grain>(), 0});
    before->publish();
    while (!before->empty_after()) {
    }
    unseen += after->queued() == 0;
    while (!after->readable()) {
    }
    after->pop();
    after->release();
  }
  stop = true;
  worker.join();
  core.end();
  CHECK(unseen == 0);
}

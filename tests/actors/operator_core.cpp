#include "actors/operator_core.hpp"

#include "actors/doorbell.hpp"
#include "actors/instance.hpp"
#include "actors/open_requests.hpp"

#include <doctest/doctest.h>

#include <atomic>
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

} // namespace

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

// Two small operators for tests of the programs, in the version that FLOW_VERSION says.
#include "actors/module.hpp"
#include "services/net/buffer.hpp"

#include <chrono>
#include <fstream>
#include <optional>
#include <string>

namespace {

using namespace instar;

/// Emits an empty buffer now and then.
class tick final : public operator_base {
public:
  static constexpr out_port<net::buffer> out{0, "out"};
  static constexpr operator_type type{
      .name = "flow.tick",
      .version = FLOW_VERSION,
      .outputs = {out},
      .settings = {{"every", setting_kind::duration, "1ms", false, "time between two packets"}}};
  explicit tick(const settings& values) : every_(values.duration("every")) {}

  void on_start(context& ctx) override { ctx.set_timer(every_, 0); }
  void on_timer(context& ctx, std::uint64_t) override {
    ctx.emit(out, net::buffer::make(0));
    ctx.set_timer(every_, 0);
  }
  void on_packet(context&, std::size_t, packet) override {}

private:
  const std::chrono::nanoseconds every_;
};

/// Counts packets. When its place ends it takes its time, and then writes the count to a file.
class store final : public operator_base {
public:
  static constexpr in_port<net::buffer> in{0, "in"};
  static constexpr operator_type type{
      .name = "flow.store",
      .version = FLOW_VERSION,
      .inputs = {in},
      .settings = {{"file", setting_kind::path, "", false, "where the count is written to"},
                   {"linger", setting_kind::duration, "0s", false, "time that the end takes"},
                   {"broken", setting_kind::boolean, "false", false, "throw when constructed"},
                   {"fails_at", setting_kind::integer, "0", false, "throw at this packet"}}};
  explicit store(const settings& values)
      : file_(values.path("file")), linger_(values.duration("linger")),
        fails_at_(values.integer("fails_at")) {
    if (values.boolean("broken")) throw std::runtime_error("told to be broken");
  }

  void on_packet(context&, std::size_t, packet) override {
    if (++count_ == fails_at_) throw std::runtime_error("told to fail");
  }
  void on_timer(context&, std::uint64_t) override { lingered_ = true; }

  std::optional<std::string> not_yet(context& ctx, cut_purpose why) override {
    if (why == cut_purpose::hand_over) return std::nullopt;
    if (!lingering_ && linger_.count() > 0) ctx.set_timer(linger_, 0);
    lingering_ = true;
    if (linger_.count() > 0 && !lingered_) return "still lingers";
    if (!file_.empty()) std::ofstream(file_) << count_ << "\n";
    return std::nullopt;
  }

private:
  const std::filesystem::path file_;
  const std::chrono::nanoseconds linger_;
  const std::int64_t fails_at_;
  std::int64_t count_ = 0;
  bool lingering_ = false;
  bool lingered_ = false;
};

} // namespace

INSTAR_MODULE("flow", tick, store)

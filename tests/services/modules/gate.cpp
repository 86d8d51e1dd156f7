// An operator for tests that passes everything on, and makes trouble where it is told to.
#include "actors/context.hpp"
#include "actors/module.hpp"
#include "gate.capnp.h"
#include "services/http/request.hpp"
#include "services/http/response.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

namespace {

using namespace instar;

template <class Payload>
class gate final : public operator_base {
public:
  static constexpr in_port<Payload> in{0, "in"};
  static constexpr out_port<Payload> out{0, "out", Payload::payload_name, 0};
  static constexpr operator_type type{
      .name = std::is_same_v<Payload, http::request> ? "test.request_gate" : "test.gate",
      .version = 1,
      .inputs = {in},
      .outputs = {out},
      .state_schema = capnp::typeId<Gate>(),
      .state_version = 1,
      .settings = {
          {"hold", setting_kind::path, "", false,
           "stands at its cut while this file is there; FILE.reached says that it does"},
          {"fails", setting_kind::text, "", false, "constructor or restore: throws there"},
          {"delay", setting_kind::duration, "0s", false, "what each packet takes"},
          {"number", setting_kind::integer, "0", false, "makes another instance necessary"}}};

  explicit gate(const settings& values)
      : hold_(values.path("hold")), fails_(values.text("fails")), delay_(values.duration("delay")) {
    if (fails_ == "constructor") throw std::runtime_error("told to fail");
  }

  void on_packet(context& ctx, std::size_t, packet p) override {
    if (delay_ > delay_.zero()) std::this_thread::sleep_for(delay_);
    ++passed_;
    ctx.emit_packet(out.index, std::move(p));
  }
  void on_timer(context&, std::uint64_t) override {} // asked again after it

  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    if (hold_.empty() || !std::filesystem::exists(hold_)) return std::nullopt;
    std::ofstream(hold_.string() + ".reached") << "yes\n";
    ctx.set_timer(std::chrono::milliseconds(1), 0);
    return "told to hold";
  }

  void save(state_writer& into) const override { into.init<Gate>().setPassed(passed_); }
  void restore(context&, state_reader& from) override {
    if (fails_ == "restore") throw std::runtime_error("told to fail");
    passed_ = from.root<Gate>().getPassed();
  }

private:
  const std::filesystem::path hold_;
  const std::string fails_;
  const std::chrono::nanoseconds delay_;
  std::uint64_t passed_ = 0;
};

} // namespace

INSTAR_MODULE("test_gate", gate<http::request>, gate<http::response>)

// Where lines come from and where they go: the two ends of the example's graph.
#include "actors/bytes.hpp"
#include "actors/module.hpp"

#include <chrono>
#include <fstream>
#include <stdexcept>

namespace {

using namespace instar;

/// Emits a line every `every`.
class clock_source : public operator_base {
public:
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{
      .name = "clock",
      .help = "emits a line at every tick",
      .outputs = {out},
      .settings = {{"every", setting_kind::duration, "1ms", false, "time between two lines"}}};

  explicit clock_source(const settings& values) : every_(values.duration("every")) {}

  void on_start(context& ctx) override { ctx.set_timer(every_, 0); }

  void on_packet(context&, std::size_t, packet) override {} // has no input

  void on_timer(context& ctx, std::uint64_t) override {
    ctx.emit(out, make_payload<bytes>("tick"));
    ctx.set_timer(every_, 0);
  }

private:
  std::chrono::nanoseconds every_;
};

/// Appends each line to a file.
class file_sink : public operator_base {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr operator_type type{
      .name = "append",
      .help = "appends lines to a file",
      .inputs = {in},
      .settings = {{"file", setting_kind::path, "", true, "the file"}}};

  explicit file_sink(const settings& values) : file_(values.path("file"), std::ios::app) {
    if (!file_) throw std::runtime_error("cannot write to " + values.path("file").string());
  }

  void on_packet(context&, std::size_t, packet p) override {
    file_ << p.as<bytes>().text() << '\n';
  }
  void on_activation_end(context&) override { file_.flush(); }

private:
  std::ofstream file_;
};

} // namespace

INSTAR_MODULE("ends", clock_source, file_sink)

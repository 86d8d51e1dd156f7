#include "actors/bytes.hpp"
#include "actors/module.hpp"
#include "tally.capnp.h"

using namespace instar;

/// Numbers the lines that pass.
class tally : public operator_base {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{.name = "tally",
                                      .version = 1,
                                      .help = "numbers lines",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<Tally>(),
                                      .state_version = 1};

  void on_packet(context& ctx, std::size_t, packet p) override {
    ++count_;
    std::string line = std::to_string(count_) + ": " + std::string(p.as<bytes>().text());
    ctx.emit(out, make_payload<bytes>(std::move(line)));
  }

  void save(state_writer& to) const override { to.init<Tally>().setCount(count_); }
  void restore(context&, state_reader& from) override { count_ = from.root<Tally>().getCount(); }

private:
  std::uint64_t count_ = 0;
};

INSTAR_MODULE("tally", tally)

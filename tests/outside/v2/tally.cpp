#include "actors/bytes.hpp"
#include "actors/module.hpp"
#include "tally.capnp.h"

using namespace instar;

/// Numbers the lines that pass and adds up their length.
class tally : public operator_base {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{.name = "tally",
                                      .version = 2,
                                      .help = "numbers lines, with the bytes so far",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<Tally>(),
                                      .state_version = 2};

  void on_packet(context& ctx, std::size_t, packet p) override {
    std::string_view text = p.as<bytes>().text();
    ++count_;
    bytes_ += text.size();
    std::string line = std::to_string(count_) + ": " + std::string(text) + ", " +
                       std::to_string(bytes_) + " bytes so far";
    ctx.emit(out, make_payload<bytes>(std::move(line)));
  }

  void save(state_writer& to) const override {
    auto root = to.init<Tally>();
    root.setCount(count_);
    root.setBytes(bytes_);
  }
  void restore(context&, state_reader& from) override {
    auto root = from.root<Tally>();
    count_ = root.getCount();
    bytes_ = root.getBytes();
  }

private:
  std::uint64_t count_ = 0;
  std::uint64_t bytes_ = 0;
};

INSTAR_MODULE("tally", tally)

#include "services/http/meter.hpp"

#include "services/http/traffic.hpp"

#include <chrono>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace instar::http {

namespace {

constexpr std::size_t most_bounds = 64;

std::vector<std::uint64_t> bounds_of(const settings& values) {
  std::vector<std::uint64_t> bounds;
  std::istringstream words(values.text("buckets"));
  for (std::string word; words >> word;) {
    const auto bound = parse_setting(word, setting_kind::duration, {});
    if (!bound) throw std::invalid_argument("buckets: " + bound.error().message);
    const auto value = static_cast<std::uint64_t>(std::get<std::int64_t>(*bound));
    if (value == 0 || (!bounds.empty() && value <= bounds.back()))
      throw std::invalid_argument("buckets: '" + word +
                                  "' is not above the one before it; write them ascending");
    bounds.push_back(value);
  }
  if (bounds.empty() || bounds.size() > most_bounds)
    throw std::invalid_argument("buckets: give 1 to " + std::to_string(most_bounds) +
                                " durations, for example '1ms 10ms 100ms'");
  return bounds;
}

} // namespace

meter::meter(const settings& values) : what_(traffic::describe(bounds_of(values))) {}

void meter::on_start(context& ctx) {
  auto& all = ctx.host<metrics>();
  if (!counted_) counted_ = all.make(what_);
  shown_ = all.show(ctx.name(), counted_);
}

void meter::on_packet(context& ctx, std::size_t, packet p) {
  auto& passing = p.as<response>();
  if (passing.from && passing.status != 100) {
    traffic::note_passed(*counted_, passing);
    if (passing.unique()) { // else others look at it, and it must stay as it is
      const auto began = passing.from.began();
      passing.counted_by = counted_;
      passing.counted_from = began != 0 ? began : net::steady_nanoseconds();
    }
  }
  ctx.emit_packet(out.index, std::move(p));
}

// -- state --------------------------------------------------------------------------------------

void meter::save(state_writer& into) const {
  auto state = into.init<MeterState>();
  if (!counted_) return; // has not begun
  if (into.purpose() == save_purpose::hand_over) state.setKept(counted_->id());
  auto list = state.initSeries(static_cast<unsigned>(counted_->what().size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto numbers = counted_->numbers(i);
    list[i].setKey(own_metrics::key_of(counted_->what()[i]));
    auto to = list[i].initNumbers(static_cast<unsigned>(numbers.size()));
    for (unsigned j = 0; j < to.size(); ++j) to.set(j, numbers[j]);
  }
}

/// What the predecessor counted in, if it is the same; else the numbers of what both count.
void meter::restore(context& ctx, state_reader& from) {
  auto& all = ctx.host<metrics>();
  const auto state = from.root<MeterState>();
  counted_ = all.find(state.getKept());
  if (counted_ && counted_->what() == what_) return;
  counted_ = all.make(what_);
  for (const auto one : state.getSeries()) {
    const std::string key = one.getKey();
    std::vector<std::uint64_t> numbers;
    for (const auto number : one.getNumbers()) numbers.push_back(number);
    for (std::size_t i = 0; i < what_.size(); ++i)
      if (key == own_metrics::key_of(what_[i])) counted_->set_numbers(i, numbers);
  }
}

} // namespace instar::http

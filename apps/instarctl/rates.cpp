#include "apps/instarctl/rates.hpp"

#include "apps/instarctl/flow_order.hpp"
#include "apps/instarctl/json.hpp"
#include "apps/instarctl/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <sstream>

namespace instar::instarctl {

namespace {

std::uint64_t grown(std::uint64_t before, std::uint64_t after) {
  return after >= before ? after - before : after;
}

std::string percent(double value) { return std::to_string(std::lround(value)) + "%"; }

/// What each replica got of what all of them got.
void share_out(const std::vector<operator_status>& operators, std::vector<operator_rate>& rates) {
  std::map<std::string, double> all;
  for (std::size_t i = 0; i < rates.size(); ++i)
    all[operators[i].replica_of] += rates[i].packets_in_per_s;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const auto& op = operators[i];
    if (op.replica_of.empty()) continue;
    const auto sum = all[op.replica_of];
    rates[i].share_percent = sum > 0 ? rates[i].packets_in_per_s * 100 / sum : 0;
    rates[i].hot_key = hot_key_text(op);
  }
}

} // namespace

std::string hot_key_text(const operator_status& op) {
  if (op.replica_of.empty() || op.hot_share * op.replicas <= 1) return {};
  std::ostringstream text;
  text << "0x" << std::hex << op.hot_key << " " << percent(op.hot_share * 100);
  return text.str();
}

std::vector<operator_rate> rates_between(const service_status& before, const service_status& after,
                                         std::chrono::nanoseconds apart) {
  const double seconds = std::max(1e-9, std::chrono::duration<double>(apart).count());
  std::vector<operator_rate> rates;
  for (const auto& now : after.operators) {
    const auto found = std::find_if(before.operators.begin(), before.operators.end(),
                                    [&](const operator_status& o) { return o.name == now.name; });
    const auto was = found == before.operators.end() ? operator_status{} : *found;
    operator_rate rate{now.name, now.reference, now.phase};
    rate.packets_in_per_s = static_cast<double>(grown(was.packets_in, now.packets_in)) / seconds;
    rate.packets_out_per_s = static_cast<double>(grown(was.packets_out, now.packets_out)) / seconds;
    rate.busy_percent = static_cast<double>(grown(was.busy_ns, now.busy_ns)) / 1e7 / seconds;
    rate.errors = grown(was.errors, now.errors);
    for (const auto& arc : after.arcs) {
      if (ends_of(arc.name).second != now.name) continue;
      rate.queued += arc.queued;
      rate.credits += arc.capacity - std::min(arc.capacity, arc.queued);
    }
    rates.push_back(std::move(rate));
  }
  share_out(after.operators, rates);
  return rates;
}

std::string to_text(const service_status& now, const std::vector<operator_rate>& rates) {
  std::vector<std::vector<std::string>> rows{
      {"OPERATOR", "TYPE", "PHASE", ">IN/s", ">OUT/s", ">BUSY", ">QUEUED", ">CREDITS", ">ERRORS"}};
  const bool shared = std::any_of(rates.begin(), rates.end(),
                                  [](const operator_rate& r) { return r.share_percent >= 0; });
  if (shared) rows.front().insert(rows.front().end(), {">SHARE", "HOT KEY"});
  for (const auto& r : rates) {
    rows.push_back({r.name, r.reference, r.phase, count_text(r.packets_in_per_s),
                    count_text(r.packets_out_per_s), percent(r.busy_percent),
                    std::to_string(r.queued), std::to_string(r.credits), std::to_string(r.errors)});
    if (!shared) continue;
    rows.back().push_back(r.share_percent < 0 ? "-" : percent(r.share_percent));
    rows.back().push_back(r.hot_key);
  }
  return now.name + ": " + now.phase + ", epoch " + std::to_string(now.epoch) +
         (now.transition.empty() ? "" : ", changing " + now.transition) + "\n" + table(rows);
}

nlohmann::json to_json(const service_status& now, const std::vector<operator_rate>& rates) {
  auto operators = nlohmann::json::array();
  for (const auto& r : rates) {
    operators.push_back({{"name", r.name},
                         {"type", r.reference},
                         {"phase", r.phase},
                         {"packets_in_per_s", r.packets_in_per_s},
                         {"packets_out_per_s", r.packets_out_per_s},
                         {"busy_percent", r.busy_percent},
                         {"queued", r.queued},
                         {"credits", r.credits},
                         {"errors", r.errors}});
    if (r.share_percent < 0) continue;
    operators.back()["share_percent"] = r.share_percent;
    if (!r.hot_key.empty()) operators.back()["hot_key"] = r.hot_key;
  }
  return {{"time", iso_time(std::chrono::system_clock::now())},
          {"name", now.name},
          {"phase", now.phase},
          {"epoch", now.epoch},
          {"transition", now.transition},
          {"operators", std::move(operators)}};
}

} // namespace instar::instarctl

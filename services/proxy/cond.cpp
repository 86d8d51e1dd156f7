#include "services/proxy/cond.hpp"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <sstream>
#include <utility>

namespace instar::proxy {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream from(text);
  std::vector<std::string> all;
  for (std::string one; from >> one;) all.push_back(std::move(one));
  return all;
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

/// From 0 to 1; the same in every process.
double place_of(std::string_view path) {
  return static_cast<double>(std::hash<std::string_view>()(path)) /
         static_cast<double>(std::numeric_limits<std::size_t>::max());
}

} // namespace

cond::cond(const settings& values)
    : prefixes_(words_of(values.text("prefixes"))), suffixes_(words_of(values.text("suffixes"))),
      share_(std::clamp(values.number("share"), 0.0, 1.0)),
      root_(values.text("root").empty()
                ? std::optional<file::root>()
                : std::optional<file::root>(std::in_place, values.path("root"))),
      larger_than_(values.size("larger_than")) {}

void cond::on_packet(context& ctx, std::size_t, packet p) {
  auto& asked = p.as<http::request>();
  if (!asked.from()) return; // its answer goes another way
  asked.set_turn(asked.from()->take_turn());
  const auto& out = asked.line().refused == 0 && goes_upstream(asked) ? upstream : local;
  ctx.emit_packet(out.index, std::move(p));
}

bool cond::goes_upstream(const http::request& asked) const {
  const auto path = path_of(asked.target());
  const auto begins = [&](const std::string& with) { return path.starts_with(with); };
  const auto ends = [&](const std::string& with) { return path.ends_with(with); };
  if (std::none_of(prefixes_.begin(), prefixes_.end(), begins)) return false;
  if (!suffixes_.empty() && std::none_of(suffixes_.begin(), suffixes_.end(), ends)) return false;
  if (share_ < 1 && place_of(path) >= share_) return false;
  return !root_ || !stays(asked);
}

/// Whether the root has a file for it that is not too large.
bool cond::stays(const http::request& asked) const {
  if (asked.line().method == http::method::other) return false; // a file has no answer to it
  const auto found = root_->open(asked.target());
  if (found.fd >= 0) ::close(found.fd);
  if (found.status == 404) return false;
  return found.status != 0 || larger_than_ == 0 || found.size < larger_than_;
}

} // namespace instar::proxy

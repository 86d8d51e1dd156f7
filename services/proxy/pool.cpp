#include "services/proxy/pool.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace instar::proxy {

pool::pool(std::vector<net::remote> servers, pool_options options) : options_(options) {
  if (servers.size() > most_servers)
    throw std::runtime_error("more than " + std::to_string(most_servers) +
                             " upstream servers; put a second send beside this one");
  for (auto& one : servers) servers_.push_back({std::move(one), 0, 0, {}, false});
}

pool::choice pool::choose(const server_set& without, std::uint32_t now) {
  choice made;
  for (const bool down : {false, true}) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      const auto at = (next_ + i) % servers_.size();
      auto& one = servers_[at];
      if (one.retired || (at < without.size() && without[at])) continue;
      const bool is_down =
          one.down_until != 0 && static_cast<std::int32_t>(one.down_until - now) > 0;
      if (is_down != down) continue;
      made.wait = true;
      if (!can_be_asked(one)) continue;
      next_ = at + 1;
      made.server = at;
      return made;
    }
    if (made.wait) return made; // rather than to ask one that fails
  }
  return made;
}

net::lease pool::take_idle(std::size_t of) {
  auto& one = servers_[of];
  while (!one.idle.empty()) {
    auto link = std::move(one.idle.back().link);
    one.idle.pop_back();
    if (link.as<net::outgoing>()->quiet()) return link;
    --one.links;
  }
  return {};
}

void pool::give_back(std::size_t of, net::lease link, std::uint32_t now) {
  auto& one = servers_[of];
  if (one.retired || one.links > options_.connections) --one.links;
  else one.idle.push_back({std::move(link), now});
}

void pool::failed(std::size_t of, std::uint32_t now) {
  // 0 says that it is not down.
  servers_[of].down_until = std::max<std::uint32_t>(1, now + options_.fail_seconds);
}

void pool::tidy(std::uint32_t now) {
  for (auto& one : servers_) {
    const auto gone = [&](const idle_link& l) {
      return now - l.since > options_.idle_seconds || !l.link.as<net::outgoing>()->quiet();
    };
    one.links -= std::erase_if(one.idle, gone);
  }
}

bool pool::has_idle() const {
  return std::any_of(servers_.begin(), servers_.end(),
                     [](const server& one) { return !one.idle.empty(); });
}

std::size_t pool::find_or_retire(std::string_view text) {
  for (std::size_t i = 0; i < servers_.size(); ++i)
    if (servers_[i].at.text == text) return i;
  server retired;
  retired.at.text = text;
  retired.retired = true;
  servers_.push_back(std::move(retired));
  return servers_.size() - 1;
}

void pool::restore_idle(std::size_t of, net::lease link, std::uint32_t since) {
  opened(of);
  give_back(of, std::move(link), since);
}

} // namespace instar::proxy

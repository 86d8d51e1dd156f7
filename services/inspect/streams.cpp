#include "services/inspect/streams.hpp"

#include <algorithm>

namespace instar::inspect {

streams::outcome streams::add(const key& of, const tcp& segment, std::uint64_t frame,
                              std::int64_t time, growth& into) {
  auto found = all_.find(of);
  if (segment.reset) {
    all_.erase(of.reverse());
    all_.erase(of);
    return outcome::nothing_new;
  }
  const auto first = segment.sequence + (segment.syn ? 1 : 0);
  const bool over = found != all_.end() && time - found->second.last > patience;
  // The ports are used again for another connection.
  const bool anew = found != all_.end() && segment.syn && found->second.place > 0;
  if (over || anew) {
    all_.erase(found);
    found = all_.end();
  }
  if (found == all_.end()) {
    if (segment.payload.empty() && !segment.syn) return outcome::nothing_new;
    if (all_.size() >= most_) return outcome::refused;
    found = all_.emplace(of, entry{}).first;
    found->second.next = first;
  }
  auto& e = found->second;
  e.frame = frame;
  e.last = time;
  if (segment.payload.empty()) return outcome::nothing_new;
  auto data = segment.payload;
  const auto ahead = static_cast<std::int32_t>(first - e.next);
  if (ahead < 0) { // sent once more
    const auto known = static_cast<std::size_t>(-static_cast<std::int64_t>(ahead));
    if (known >= data.size()) return outcome::nothing_new;
    data.remove_prefix(known);
  }
  e.held.insert(e.place + static_cast<std::uint64_t>(std::max<std::int32_t>(ahead, 0)), data);
  if (e.held.size() > most_held) skip_gap(e);
  if (e.held.first() != e.place) return outcome::nothing_new;
  grow(of, e, into);
  return outcome::grown;
}

/// What there is without a gap.
void streams::grow(const key& of, entry& e, growth& into) const {
  const auto fresh = e.held.take(e.place);
  into.of = of;
  into.frame = e.frame;
  into.old = e.tail.size();
  into.data = std::move(e.tail);
  into.data += fresh;
  e.place += fresh.size();
  e.next += static_cast<std::uint32_t>(fresh.size());
  e.tail = into.data.substr(into.data.size() - std::min(into.data.size(), overlap_));
}

void streams::skip_gap(entry& e) {
  const auto missing = e.held.first() - e.place;
  if (missing == 0) return;
  e.place += missing;
  e.next += static_cast<std::uint32_t>(missing);
  e.tail.clear();
}

std::vector<streams::growth> streams::end(std::uint64_t job, std::int64_t now) {
  std::vector<growth> rest;
  auto at = all_.lower_bound({job, 0, 0, 0, 0});
  while (at != all_.end() && at->first.job == job) {
    auto& e = at->second;
    while (now - e.last <= patience && !e.held.empty()) {
      skip_gap(e);
      grow(at->first, e, rest.emplace_back());
    }
    at = all_.erase(at);
  }
  return rest;
}

std::size_t streams::expire(std::uint64_t job, std::int64_t now) {
  return std::erase_if(all_, [&](const auto& one) {
    return one.first.job == job && now - one.second.last > patience;
  });
}

} // namespace instar::inspect

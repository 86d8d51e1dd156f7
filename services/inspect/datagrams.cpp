#include "services/inspect/datagrams.hpp"

namespace instar::inspect {

datagrams::outcome datagrams::add(std::uint64_t job, const ipv4& fragment, std::int64_t time,
                                  std::string& whole) {
  const auto end = fragment.offset + fragment.payload.size();
  // All but the last are of 8 bytes and more, in whole eights.
  const bool uneven = fragment.more && fragment.payload.size() % 8 != 0;
  if (fragment.payload.empty() || uneven || end > largest) return outcome::refused;
  const key at{job, fragment.source, fragment.destination, fragment.protocol, fragment.id};
  auto found = all_.find(at);
  if (found != all_.end() && time - found->second.since > patience) {
    all_.erase(found);
    found = all_.end();
  }
  if (found == all_.end()) {
    if (all_.size() >= most_) return outcome::refused;
    found = all_.emplace(at, entry{time, 0, {}}).first;
  }
  auto& e = found->second;
  const bool says_otherwise = e.size != 0 && (fragment.more ? end > e.size : end != e.size);
  if (says_otherwise || (!fragment.more && e.have.end() > end)) return outcome::refused;
  if (!fragment.more) e.size = end;
  e.have.insert(fragment.offset, fragment.payload);
  if (e.size == 0 || e.have.size() < e.size) return outcome::incomplete;
  whole = e.have.take(0);
  all_.erase(found);
  return outcome::complete;
}

void datagrams::end(std::uint64_t job) {
  const auto from = all_.lower_bound({job, 0, 0, 0, 0});
  auto to = from;
  while (to != all_.end() && to->first.job == job) ++to;
  all_.erase(from, to);
}

std::size_t datagrams::expire(std::uint64_t job, std::int64_t now) {
  return std::erase_if(all_, [&](const auto& one) {
    return one.first.job == job && now - one.second.since > patience;
  });
}

} // namespace instar::inspect

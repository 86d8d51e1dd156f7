#include "services/monitor/board.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <utility>

namespace instar::monitor {

namespace {

std::string milliseconds(board::duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

capnp::Data::Reader data_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}
std::string text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

std::uint64_t nanoseconds(board::duration d) {
  return static_cast<std::uint64_t>(std::max<board::duration::rep>(d.count(), 0));
}

} // namespace

const char* board::to_string(presence is) {
  switch (is) {
  case presence::alive:
    return "alive";
  case presence::silent:
    return "silent";
  default:
    return "left";
  }
}

std::string board::note(std::string event) {
  events_.push_back(event);
  if (events_.size() > most_events) events_.pop_front();
  return event;
}

std::string board::take(const status& from, time now) {
  ++statuses_;
  auto at = members_.find(from.name);
  if (at == members_.end()) {
    if (members_.size() >= most_members)
      return note("refused " + from.name + ": there are " + std::to_string(most_members) +
                  " members");
    at = members_.emplace(from.name, member()).first;
    at->second.is = presence::left;
  }
  auto& m = at->second;
  const bool anew = m.received == 0 || from.incarnation > m.incarnation;
  if (!anew && (from.incarnation < m.incarnation || from.sequence <= m.sequence)) return {}; // late
  if (anew) m.counters.clear();
  else m.lost += from.sequence - m.sequence - 1;
  ++m.received;
  m.incarnation = from.incarnation;
  m.sequence = from.sequence;
  m.heard = now;
  m.address = from.address;
  measure(m, from, now);
  const auto was = std::exchange(m.is, from.leaves ? presence::left : presence::alive);
  if (m.is == presence::left) return was == presence::left ? "" : note("left " + from.name);
  if (was == presence::alive && !anew) return {};
  return note((was == presence::silent && !anew ? "back " : "joined ") + from.name);
}

void board::measure(member& of, const status& from, time now) const {
  for (const auto& [name, value] : from.counters) {
    auto& m = of.counters[name];
    const std::chrono::duration<double> passed = now - m.at;
    if (m.at != time() && value >= m.value && passed.count() > 0) {
      const auto rate = static_cast<double>(value - m.value) / passed.count();
      m.per_second = smoothing_ * m.per_second + (1 - smoothing_) * rate;
    } else {
      m.per_second = 0;
    }
    m.value = value;
    m.at = now;
  }
  while (of.counters.size() > most_counters) // others than before
    of.counters.erase(
        std::min_element(of.counters.begin(), of.counters.end(),
                         [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
}

std::vector<std::string> board::look(time now) {
  std::vector<std::string> events;
  for (auto& [name, m] : members_) {
    if (m.is != presence::alive || now - m.heard <= silent_after_) continue;
    m.is = presence::silent;
    events.push_back(note("silent " + name));
  }
  return events;
}

// -- questions ----------------------------------------------------------------------------------

std::string board::answer(std::string_view question, time now) const {
  const auto space = std::min(question.find(' '), question.size());
  const auto what = question.substr(0, space);
  const auto more = question.substr(std::min(space + 1, question.size()));
  if (what == "members") return list(now);
  if (what == "member") return describe(more, now);
  if (what == "rates") return rates();
  if (what == "totals") return totals();
  if (what == "events") return latest(more);
  if (what == "where") return "receives at " + where_ + "\r\n";
  return "error: '" + std::string(what.substr(0, 40)) +
         "' is no question; ask members, member NAME, rates, totals, events [COUNT], where, watch "
         "or "
         "quit\r\n";
}

std::string board::list(time now) const {
  std::string text;
  for (const auto& [name, m] : members_)
    text += name + " " + to_string(m.is) + " seq " + std::to_string(m.sequence) + " age_ms " +
            milliseconds(now - m.heard) + "\r\n";
  return text + "end\r\n";
}

std::string board::describe(std::string_view name, time now) const {
  const auto at = members_.find(name);
  if (at == members_.end())
    return "error: there is no member '" + std::string(name.substr(0, longest_name)) + "'\r\n";
  const auto& m = at->second;
  auto text = "member " + at->first + " " + to_string(m.is) + " incarnation " +
              std::to_string(m.incarnation) + " seq " + std::to_string(m.sequence) + " received " +
              std::to_string(m.received) + " lost " + std::to_string(m.lost) + " age_ms " +
              milliseconds(now - m.heard) + " at " + show_address(m.address);
  for (const auto& [counter, of] : m.counters)
    text += " " + counter + "=" + std::to_string(of.value);
  return text + "\r\n";
}

std::string board::rates() const {
  std::string text;
  for (const auto& [name, m] : members_) {
    if (m.is != presence::alive) continue;
    for (const auto& [counter, of] : m.counters) {
      char rate[64];
      std::snprintf(rate, sizeof rate, "%.1f", of.per_second);
      text += name + " " + counter + " per_s " + rate + "\r\n";
    }
  }
  return text + "end\r\n";
}

std::string board::totals() const {
  std::size_t by_presence[3] = {};
  std::uint64_t lost = 0;
  for (const auto& [name, m] : members_) {
    ++by_presence[static_cast<std::size_t>(m.is)];
    lost += m.lost;
  }
  return "alive " + std::to_string(by_presence[0]) + " silent " + std::to_string(by_presence[1]) +
         " left " + std::to_string(by_presence[2]) + " statuses " + std::to_string(statuses_) +
         " lost " + std::to_string(lost) + "\r\n";
}

std::string board::latest(std::string_view count) const {
  std::size_t wanted = 20;
  if (!count.empty()) {
    const auto end = count.data() + count.size();
    const auto read = std::from_chars(count.data(), end, wanted);
    if (read.ec != std::errc() || read.ptr != end)
      return "error: how many events? 'events 20', for example\r\n";
  }
  std::string text;
  const auto shown = std::min(wanted, events_.size());
  for (auto at = std::prev(events_.end(), static_cast<std::ptrdiff_t>(shown)); at != events_.end();
       ++at)
    text += *at + "\r\n";
  return text + "end\r\n";
}

// -- targets, state -----------------------------------------------------------------------------

void board::list_targets(Targets::Builder into, time now) const {
  const auto is_asked = [](const auto& one) { return one.second.is != presence::left; };
  const auto count = std::count_if(members_.begin(), members_.end(), is_asked);
  auto list = into.initMembers(static_cast<unsigned>(count));
  unsigned i = 0;
  for (const auto& one : members_) {
    if (!is_asked(one)) continue;
    list[i].setAddress(data_of(one.second.address));
    list[i++].setSilent(nanoseconds(now - one.second.heard));
  }
}

void board::save(ReportState::Builder into, bool same_process) const {
  const auto when = [&](time t) {
    return same_process ? std::int64_t{t.time_since_epoch().count()} : 0;
  };
  auto list = into.initMembers(static_cast<unsigned>(members_.size()));
  unsigned i = 0;
  for (const auto& [name, m] : members_) {
    auto to = list[i++];
    to.setName(name);
    to.setIncarnation(m.incarnation);
    to.setSequence(m.sequence);
    to.setReceived(m.received);
    to.setLost(m.lost);
    to.setPresence(static_cast<std::uint8_t>(m.is));
    to.setHeard(when(m.heard));
    to.setAddress(data_of(m.address));
    auto counters = to.initCounters(static_cast<unsigned>(m.counters.size()));
    unsigned k = 0;
    for (const auto& [counter, of] : m.counters) {
      counters[k].setName(counter);
      counters[k].setValue(of.value);
      counters[k].setPerSecond(of.per_second);
      counters[k++].setAt(when(of.at));
    }
  }
  auto events = into.initEvents(static_cast<unsigned>(events_.size()));
  for (unsigned k = 0; k < events.size(); ++k) events.set(k, events_[k]);
  into.setWhere(where_);
  into.setStatuses(statuses_);
}

void board::restore(ReportState::Reader from, time now) {
  const auto when = [&](std::int64_t t) { return t == 0 ? now : time(duration(t)); };
  for (const auto one : from.getMembers()) {
    auto& m = members_[one.getName().cStr()];
    m.incarnation = one.getIncarnation();
    m.sequence = one.getSequence();
    m.received = one.getReceived();
    m.lost = one.getLost();
    m.is = static_cast<presence>(std::min<std::uint8_t>(one.getPresence(), 2));
    m.heard = when(one.getHeard());
    m.address = text_of(one.getAddress());
    for (const auto counter : one.getCounters())
      m.counters[counter.getName().cStr()] = {counter.getValue(), counter.getPerSecond(),
                                              when(counter.getAt())};
  }
  for (const auto event : from.getEvents()) events_.emplace_back(event.cStr());
  where_ = from.getWhere().cStr();
  statuses_ = from.getStatuses();
}

} // namespace instar::monitor

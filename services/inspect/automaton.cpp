#include "services/inspect/automaton.hpp"

#include "services/inspect/search_each.hpp"

#include <algorithm>
#include <deque>

namespace instar::inspect {

namespace {

std::uint8_t letter(char c) { return static_cast<std::uint8_t>(lower(c)); }

} // namespace

automaton::automaton(const std::vector<rule>& rules) : rules_(rules), states_(1) {
  for (std::uint32_t i = 0; i < rules_.size(); ++i) add(i);
  link();
}

void automaton::add(std::uint32_t rule) {
  std::uint32_t at = 0;
  for (const char c : rules_[rule].content) {
    if (states_[at].next[letter(c)] == 0) {
      const auto made = static_cast<std::uint32_t>(states_.size());
      states_.emplace_back();
      states_[at].next[letter(c)] = made;
    }
    at = states_[at].next[letter(c)];
  }
  states_[at].ends.push_back(rule);
}

/// Where a byte leads nowhere, the longest end of what was read leads on.
void automaton::link() {
  std::vector<std::uint32_t> longest_end(states_.size(), 0);
  std::deque<std::uint32_t> queue;
  for (const auto first : states_[0].next)
    if (first != 0) queue.push_back(first);
  for (; !queue.empty(); queue.pop_front()) {
    const auto at = queue.front();
    const auto end = longest_end[at];
    states_[at].shorter = states_[end].ends.empty() ? states_[end].shorter : end;
    for (std::size_t c = 0; c < 256; ++c) {
      auto& next = states_[at].next[c];
      if (next == 0) {
        next = states_[end].next[c];
      } else {
        longest_end[next] = states_[end].next[c];
        queue.push_back(next);
      }
    }
  }
}

void automaton::find(const endpoints& of, octets data, std::size_t old,
                     std::vector<bool>& found) const {
  std::fill(found.begin(), found.end(), false);
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    at = states_[at].next[letter(data[i])];
    if (i < old) continue;
    for (auto s = at; s != 0; s = states_[s].shorter)
      for (const auto rule : states_[s].ends) {
        if (found[rule]) continue;
        const auto& r = rules_[rule];
        found[rule] =
            (r.nocase || data.substr(i + 1 - r.content.size(), r.content.size()) == r.content) &&
            r.applies(of);
      }
  }
}

} // namespace instar::inspect

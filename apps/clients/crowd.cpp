#include "apps/clients/crowd.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace instar::clients {

namespace {

using steady = std::chrono::steady_clock;

/// Between a failure and the next attempt.
constexpr std::chrono::milliseconds pause_time{20};

} // namespace

crowd::crowd(std::size_t clients, const client_maker& make) {
  members_.reserve(clients);
  for (std::size_t i = 0; i < clients; ++i) {
    members_.push_back(std::make_unique<member>());
    members_.back()->who = make(i);
  }
  for (const auto& m : members_) m->thread = std::thread([this, &one = *m] { run(one); });
}

crowd::~crowd() { stop(); }

tally crowd::seen() const {
  tally all;
  for (const auto& one : seen_by_each()) all += one;
  return all;
}

std::vector<tally> crowd::seen_by_each() const {
  std::vector<tally> each;
  each.reserve(members_.size());
  for (const auto& m : members_) {
    std::lock_guard lock(m->guard);
    each.push_back(m->seen);
  }
  return each;
}

tally crowd::stop() {
  stopped_ = true;
  for (const auto& m : members_)
    if (m->thread.joinable()) m->thread.join();
  return seen();
}

void crowd::pause() const {
  if (!stopped_) std::this_thread::sleep_for(pause_time);
}

void crowd::run(member& m) const {
  bool open = false, ever = false;
  const auto note_failure = [&](const char* what) {
    std::lock_guard lock(m.guard);
    ++m.seen.failed;
    if (m.seen.first_failure.empty()) m.seen.first_failure = what;
  };
  while (!stopped_) {
    const auto begun = steady::now();
    try {
      if (!open) {
        m.who->open();
        open = true;
        std::lock_guard lock(m.guard);
        if (std::exchange(ever, true)) ++m.seen.reopened;
        continue;
      }
      const auto came = m.who->ask();
      const auto took = steady::now() - begun;
      std::lock_guard lock(m.guard);
      m.seen.answers += came;
      m.seen.longest = std::max<std::chrono::nanoseconds>(m.seen.longest, took);
    } catch (const std::exception& e) {
      open = false;
      note_failure(e.what());
      pause();
    }
  }
  try {
    if (open) m.who->close();
  } catch (const std::exception& e) {
    note_failure(e.what());
  }
  std::lock_guard lock(m.guard);
  m.who->count(m.seen);
}

} // namespace instar::clients

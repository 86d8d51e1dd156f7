#include "generator.hpp"

#include "connection.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <future>
#include <memory>
#include <queue>
#include <random>
#include <stdexcept>

namespace instar::load {

namespace {

/// After a refused connection a client waits this long, or a closed loop would turn a restart
/// into as many failures as the machine can count.
constexpr std::int64_t pause_after_refusal = 10'000'000;
constexpr std::int64_t sweep_interval = 100'000'000; // for timeouts

struct client {
  enum class phase { resting, connecting, asking };

  connection link;
  response_reader answer;
  request_record current;
  phase now = phase::resting;
  std::int64_t next_due = 0;
  std::size_t target = 0, unsent = 0;
  bool linked = false;
  reopening lost = reopening::no; ///< why its connection was lost, if it had one
};

/// Room for the records of a group. It is reserved at once, since moving them would hold up the
/// clients; what is not used costs no memory.
std::size_t expected_records(const run_options& options) {
  constexpr double most_per_s = 200'000;
  constexpr std::size_t limit = std::size_t{1} << 25;
  auto seconds = std::chrono::duration<double>(options.duration).count();
  return std::min(limit, static_cast<std::size_t>(seconds * most_per_s)) / options.groups.size() +
         1024;
}

/// The clients of one group.
class generator {
public:
  generator(const run_options& options, std::size_t group, std::size_t first_client,
            const target_set& targets, const volatile std::sig_atomic_t* stop);
  generator(const generator&) = delete;
  generator& operator=(const generator&) = delete;
  ~generator() { ::close(epoll_); }

  void connect_all();
  run_result run(std::int64_t begin);

private:
  using wake = std::pair<std::int64_t, std::size_t>; // when, which client

  void schedule_first();
  void turn(std::int64_t until);
  void wake_due(std::int64_t now);
  void sweep(std::int64_t now);
  void on_event(std::size_t index, std::uint32_t events);
  void on_readable(std::size_t index, bool hung_up);
  void begin(std::size_t index, std::int64_t due, std::int64_t now);
  void ask(std::size_t index);
  void send_rest(std::size_t index);
  void finish(std::size_t index, outcome end);
  void rest_until(std::size_t index, std::int64_t when);
  bool unfinished() const;
  std::int64_t period() const { return group_.period.count(); }
  void lose(client& c, reopening why);
  bool stopped() const { return stop_ && *stop_; }

  const run_options& options_;
  const client_group& group_;
  const target_set& targets_;
  const volatile std::sig_atomic_t* stop_;
  int epoll_;
  std::vector<client> clients_;
  std::priority_queue<wake, std::vector<wake>, std::greater<>> wakes_;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::mt19937_64 random_;
  run_result result_;
  std::int64_t next_sweep_ = 0;
  std::size_t asking_ = 0;
};

generator::generator(const run_options& options, std::size_t group, std::size_t first_client,
                     const target_set& targets, const volatile std::sig_atomic_t* stop)
    : options_(options), group_(options.groups[group]), targets_(targets), stop_(stop),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)), clients_(group_.clients),
      random_(options.seed + group) {
  if (epoll_ < 0) throw std::runtime_error("epoll_create1 failed: raise the limit of open files");
  result_.records.reserve(expected_records(options));
  for (auto& c : clients_) {
    c.current.group = static_cast<std::uint8_t>(group);
    c.current.client = static_cast<std::uint16_t>(first_client++);
  }
}

run_result generator::run(std::int64_t begin) {
  result_.begin = begin;
  result_.end = begin + options_.duration.count();
  schedule_first();
  while (!stopped() && monotonic_ns() < result_.end) turn(result_.end);
  result_.end = std::min(result_.end, monotonic_ns());
  auto last = result_.end + options_.timeout.count();
  while (unfinished() && monotonic_ns() < last) turn(last);
  sweep(last + options_.timeout.count());
  return std::move(result_);
}

void generator::connect_all() {
  auto last = monotonic_ns() + options_.timeout.count();
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (!clients_[i].link.open(options_.server.address, epoll_, i))
      throw std::runtime_error(options_.server.host + ": cannot connect; is the server running?");
  }
  auto waiting = [&] {
    return std::any_of(clients_.begin(), clients_.end(), [](auto& c) { return !c.linked; });
  };
  while (waiting()) {
    if (monotonic_ns() > last || stopped())
      throw std::runtime_error(options_.server.host + ": no connection within the timeout");
    std::array<epoll_event, 64> events;
    int count = ::epoll_wait(epoll_, events.data(), events.size(), 100);
    for (int i = 0; i < count; ++i) {
      auto& c = clients_[events[static_cast<std::size_t>(i)].data.u64];
      if (c.link.error() != 0 || (events[static_cast<std::size_t>(i)].events & EPOLLERR))
        throw std::runtime_error(options_.server.host + ": refused; is the server running?");
      c.linked = true;
    }
  }
}

void generator::lose(client& c, reopening why) {
  c.link.close();
  c.linked = false;
  c.lost = why;
}

void generator::schedule_first() {
  auto share = period() / static_cast<std::int64_t>(clients_.size());
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    // Spread over the period, so that an open loop is not one burst per period.
    clients_[i].next_due = result_.begin + share * static_cast<std::int64_t>(i);
    rest_until(i, clients_[i].next_due);
  }
}

void generator::turn(std::int64_t until) {
  auto now = monotonic_ns();
  wake_due(now);
  if (now >= next_sweep_) {
    // Whoever comes late himself has not read yet what has arrived meanwhile.
    if (now < next_sweep_ + sweep_interval) sweep(now);
    next_sweep_ = now + sweep_interval;
  }
  auto next = std::min(until, next_sweep_);
  if (!wakes_.empty()) next = std::min(next, wakes_.top().first);
  auto wait = std::max<std::int64_t>(0, next - monotonic_ns());
  timespec limit{wait / 1'000'000'000, wait % 1'000'000'000};
  std::array<epoll_event, 256> events;
  int count = ::epoll_pwait2(epoll_, events.data(), events.size(), &limit, nullptr);
  for (int i = 0; i < count; ++i)
    on_event(events[static_cast<std::size_t>(i)].data.u64,
             events[static_cast<std::size_t>(i)].events);
}

void generator::wake_due(std::int64_t now) {
  while (!wakes_.empty() && wakes_.top().first <= now) {
    auto index = wakes_.top().second;
    wakes_.pop();
    auto due = period() > 0 ? clients_[index].next_due : now;
    if (due < result_.end) begin(index, due, now);
  }
}

void generator::sweep(std::int64_t now) {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    auto& c = clients_[i];
    if (c.now != client::phase::resting && now - c.current.sent > options_.timeout.count()) {
      lose(c, reopening::failure);
      finish(i, outcome::timeout);
    }
  }
}

void generator::on_event(std::size_t index, std::uint32_t events) {
  auto& c = clients_[index];
  if (!c.link.is_open()) return;
  if (c.now == client::phase::connecting) {
    if ((events & (EPOLLERR | EPOLLHUP)) || c.link.error() != 0) {
      // Why it was lost is still what it was before.
      c.link.close();
      return finish(index, outcome::connect);
    }
    if (!(events & EPOLLOUT)) return;
    c.current.reopened = c.lost;
    c.linked = true;
    return ask(index);
  }
  if (c.now == client::phase::asking && c.unsent > 0 && (events & EPOLLOUT)) send_rest(index);
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
    on_readable(index, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
}

void generator::on_readable(std::size_t index, bool hung_up) {
  auto& c = clients_[index];
  bool more = true;
  while (more && c.link.is_open()) {
    std::size_t got = 0;
    auto what = c.link.receive(buffer_.data(), buffer_.size(), got);
    if (what == connection::io::would_block) return;
    if (what != connection::io::some || c.now != client::phase::asking) {
      // An end between two requests is no failure: the next one opens the connection again.
      bool asking = c.now == client::phase::asking;
      lose(c, asking ? reopening::failure : reopening::idle);
      if (asking) finish(index, what == connection::io::broken ? outcome::reset : outcome::closed);
      return;
    }
    // A short read has emptied the socket: what comes later raises a new event.
    more = hung_up || got == buffer_.size();
    auto used = c.answer.feed({buffer_.data(), got});
    if (!c.answer.complete()) continue;
    if (used < got) lose(c, reopening::failure);
    else if (c.answer.must_close()) lose(c, reopening::announced);
    finish(index, used < got ? outcome::malformed : c.answer.result());
  }
}

void generator::begin(std::size_t index, std::int64_t due, std::int64_t now) {
  auto& c = clients_[index];
  c.current.due = due;
  c.current.sent = now;
  c.current.reopened = reopening::no;
  c.next_due = due + period();
  c.target = group_.first_target + (group_.targets == 1 ? 0 : random_() % group_.targets);
  ++asking_;
  if (c.linked) return ask(index);
  c.now = client::phase::connecting;
  if (!c.link.open(options_.server.address, epoll_, index)) finish(index, outcome::connect);
}

void generator::ask(std::size_t index) {
  auto& c = clients_[index];
  c.now = client::phase::asking;
  c.answer.reset(targets_.expected(c.target));
  c.unsent = targets_.request(c.target).size();
  send_rest(index);
}

void generator::send_rest(std::size_t index) {
  auto& c = clients_[index];
  std::string_view whole = targets_.request(c.target);
  while (c.unsent > 0) {
    std::size_t sent = 0;
    auto what = c.link.send(whole.substr(whole.size() - c.unsent), sent);
    if (what == connection::io::would_block) return;
    if (what == connection::io::broken) {
      lose(c, reopening::failure);
      return finish(index, outcome::reset);
    }
    c.unsent -= sent;
  }
}

void generator::finish(std::size_t index, outcome end) {
  auto& c = clients_[index];
  auto now = monotonic_ns();
  c.now = client::phase::resting;
  c.current.done = now;
  c.current.end = end;
  result_.records.push_back(c.current);
  --asking_;
  if (end == outcome::connect)
    return rest_until(index, std::max(c.next_due, now + pause_after_refusal));
  if (period() > 0) return rest_until(index, c.next_due);
  if (end == outcome::ok && c.linked && now < result_.end && !stopped())
    return begin(index, now, now);
  rest_until(index, now);
}

void generator::rest_until(std::size_t index, std::int64_t when) { wakes_.emplace(when, index); }

bool generator::unfinished() const {
  if (asking_ > 0) return true;
  return std::any_of(clients_.begin(), clients_.end(),
                     [&](const client& c) { return period() > 0 && c.next_due < result_.end; });
}

} // namespace

run_result run(const run_options& options, const target_set& targets,
               void (*started)(std::int64_t begin), const volatile std::sig_atomic_t* stop) {
  std::vector<std::unique_ptr<generator>> groups;
  std::size_t first_client = 0;
  for (std::size_t i = 0; i < options.groups.size(); ++i) {
    groups.push_back(std::make_unique<generator>(options, i, first_client, targets, stop));
    groups.back()->connect_all();
    first_client += options.groups[i].clients;
  }
  auto begin = monotonic_ns();
  if (started) started(begin);
  std::vector<std::future<run_result>> ends;
  for (auto& group : groups)
    ends.push_back(std::async(std::launch::async, [&group, begin] { return group->run(begin); }));
  run_result all;
  for (auto& end : ends) {
    auto result = end.get();
    if (all.records.empty()) {
      all = std::move(result);
      continue;
    }
    auto middle = static_cast<std::ptrdiff_t>(all.records.size());
    all.records.insert(all.records.end(), result.records.begin(), result.records.end());
    std::inplace_merge(all.records.begin(), all.records.begin() + middle, all.records.end(),
                       [](auto& a, auto& b) { return a.done < b.done; });
    all.end = std::max(all.end, result.end);
  }
  return all;
}

} // namespace instar::load

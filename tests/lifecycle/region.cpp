#include "lifecycle/region.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <random>
#include <set>
#include <string>

using namespace instar;

namespace {

using arcs = std::vector<std::pair<std::size_t, std::size_t>>;

region_query query(std::size_t operators, arcs between, const std::set<std::size_t>& changes,
                   const std::set<std::size_t>& splits = {}) {
  region_query q{operators, std::move(between), {}, {}};
  for (std::size_t i = 0; i < operators; ++i) {
    q.changes.push_back(changes.count(i) > 0);
    q.splits.push_back(splits.count(i) > 0);
  }
  return q;
}

std::string numbers(const std::vector<bool>& set) {
  std::string text;
  for (std::size_t i = 0; i < set.size(); ++i)
    if (set[i]) text += (text.empty() ? "" : " ") + std::to_string(i);
  return text;
}

/// An acyclic graph with parallel arcs, some operators that change and some that split.
region_query random_query(std::mt19937_64& random) {
  const std::size_t n = 1 + random() % 10;
  arcs between;
  if (n > 1)
    for (auto count = random() % (2 * n); count > 0; --count) {
      const std::size_t to = 1 + random() % (n - 1);
      between.emplace_back(random() % to, to);
    }
  std::set<std::size_t> changes, splits;
  for (std::size_t i = 0; i < n; ++i) {
    if (random() % 4 == 0) changes.insert(i);
    if (random() % 6 == 0) splits.insert(i);
  }
  return query(n, std::move(between), changes, splits);
}

/// The region as its definition says it, by going every way there is.
std::vector<bool> region_by_all_ways(const region_query& q) {
  using way = std::vector<std::size_t>; // arcs
  std::vector<bool> region = q.changes;
  for (std::size_t start = 0; start < q.operators; ++start) {
    std::vector<way> to_changes; // including the empty one
    const std::function<void(std::size_t, way&)> go = [&](std::size_t at, way& so_far) {
      if (q.changes[at]) to_changes.push_back(so_far);
      for (std::size_t a = 0; a < q.arcs.size(); ++a) {
        if (q.arcs[a].first != at) continue;
        so_far.push_back(a);
        go(q.arcs[a].second, so_far);
        so_far.pop_back();
      }
    };
    way none;
    go(start, none);
    std::set<std::size_t> first_arcs;
    for (const auto& w : to_changes)
      if (!w.empty()) first_arcs.insert(w.front());
    if (!q.changes[start] && first_arcs.size() < 2 && !(q.splits[start] && !first_arcs.empty()))
      continue;
    for (const auto& w : to_changes)
      for (const auto a : w) region[q.arcs[a].first] = region[q.arcs[a].second] = true;
  }
  return region;
}

/// Markers and the packets of requests on their way through a graph, in any interleaving.
class simulation {
public:
  simulation(const region_query& q, const marker_region& region, std::mt19937_64& random)
      : q_(q), region_(region), random_(random), queues_(q.arcs.size()),
        marked_(q.arcs.size(), false), at_cut_(q.operators, false) {
    for (std::size_t i = 0; i < q.operators; ++i)
      if (region.heads[i]) untold_.push_back(i);
  }

  /// Runs until all is delivered; whether every request saw one side of the change.
  bool consistent() {
    while (step()) {
    }
    for (const auto& seen : seen_)
      if (seen.size() > 1) return false;
    return true;
  }

  /// Every operator of the region has reached its cut.
  bool complete() const { return at_cut_ == region_.operators; }

private:
  static constexpr std::size_t marker = ~std::size_t{0};
  static constexpr std::size_t most_requests = 12, most_packets = 300;

  bool step() {
    std::vector<std::function<void()>> possible;
    if (seen_.size() < most_requests) possible.emplace_back([this] { enter(); });
    if (!untold_.empty()) possible.emplace_back([this] { tell_head(); });
    for (std::size_t a = 0; a < q_.arcs.size(); ++a)
      if (!queues_[a].empty() && !held_back(a)) possible.emplace_back([this, a] { deliver(a); });
    if (possible.empty()) return false;
    possible[random_() % possible.size()]();
    return true;
  }

  void enter() {
    seen_.emplace_back();
    process(random_() % q_.operators, seen_.size() - 1);
  }

  void tell_head() {
    const auto which = random_() % untold_.size();
    cut(untold_[which]);
    untold_.erase(untold_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  bool held_back(std::size_t a) const { return marked_[a] && !at_cut_[q_.arcs[a].second]; }

  void deliver(std::size_t a) {
    const auto item = queues_[a].front();
    queues_[a].pop_front();
    const auto to = q_.arcs[a].second;
    if (item != marker) return process(to, item);
    marked_[a] = true;
    for (std::size_t other = 0; other < q_.arcs.size(); ++other)
      if (q_.arcs[other].second == to && region_.arcs[other] && !marked_[other]) return;
    cut(to);
  }

  void cut(std::size_t op) {
    at_cut_[op] = true;
    for (std::size_t a = 0; a < q_.arcs.size(); ++a)
      if (q_.arcs[a].first == op && region_.arcs[a]) queues_[a].push_back(marker);
  }

  /// An operator sends at most one packet along each arc, one that splits up to three.
  void process(std::size_t op, std::size_t request) {
    if (q_.changes[op]) seen_[request].insert(at_cut_[op]);
    for (std::size_t a = 0; a < q_.arcs.size(); ++a) {
      if (q_.arcs[a].first != op) continue;
      for (auto n = random_() % (q_.splits[op] ? 4 : 2); n > 0 && packets_ < most_packets; --n) {
        ++packets_;
        queues_[a].push_back(request);
      }
    }
  }

  const region_query& q_;
  const marker_region& region_;
  std::mt19937_64& random_;
  std::vector<std::deque<std::size_t>> queues_;
  std::vector<bool> marked_, at_cut_;
  std::vector<std::size_t> untold_;
  std::vector<std::set<bool>> seen_; ///< sides of the change, by request
  std::size_t packets_ = 0;
};

/// What one would do without thinking of ways: markers enter at each changed operator.
marker_region only_changes(const region_query& q) {
  return {q.changes, q.changes, std::vector<bool>(q.arcs.size(), false)};
}

} // namespace

TEST_CASE("one operator on a chain is a region by itself") {
  const auto r = find_region(query(4, {{0, 1}, {1, 2}, {2, 3}}, {2}));
  CHECK(numbers(r.operators) == "2");
  CHECK(numbers(r.heads) == "2");
  CHECK(numbers(r.arcs) == "");
}

TEST_CASE("markers of two operators on a chain enter at the first and cross what is between") {
  // accept -> read -> parse -> load -> compose -> reply
  const auto r = find_region(query(6, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}}, {3, 5}));
  CHECK(numbers(r.operators) == "3 4 5");
  CHECK(numbers(r.heads) == "3");
  CHECK(numbers(r.arcs) == "3 4");
}

TEST_CASE("two ways to one change begin at a common head") {
  const auto r = find_region(query(5, {{0, 1}, {1, 2}, {1, 3}, {2, 4}, {3, 4}}, {4}));
  CHECK(numbers(r.operators) == "1 2 3 4");
  CHECK(numbers(r.heads) == "1");
}

TEST_CASE("two changes on two branches begin at a common head, the rest is left alone") {
  // 0 -> 1 -> {2 -> 3, 4 -> 5, 6}: 3 and 5 change.
  const auto r = find_region(query(7, {{0, 1}, {1, 2}, {2, 3}, {1, 4}, {4, 5}, {1, 6}}, {3, 5}));
  CHECK(numbers(r.operators) == "1 2 3 4 5");
  CHECK(numbers(r.heads) == "1");
  CHECK(numbers(r.arcs) == "1 2 3 4");
}

TEST_CASE("a way that joins the other before the change still splits requests over time") {
  // 0 sends to 3 directly and by way of 1; all passes 2 before 3.
  const auto r = find_region(query(4, {{0, 1}, {0, 2}, {1, 2}, {2, 3}}, {3}));
  CHECK(numbers(r.operators) == "0 1 2 3");
  CHECK(numbers(r.heads) == "0");
}

TEST_CASE("two arcs between the same operators are two ways") {
  CHECK(numbers(find_region(query(2, {{0, 1}, {0, 1}}, {1})).operators) == "0 1");
}

TEST_CASE("an operator that splits requests above a change is the head, one below is not") {
  const arcs chain{{0, 1}, {1, 2}, {2, 3}};
  CHECK(numbers(find_region(query(4, chain, {2}, {0})).operators) == "0 1 2");
  CHECK(numbers(find_region(query(4, chain, {2}, {3})).operators) == "2");
  CHECK(numbers(find_region(query(4, chain, {}, {0})).operators) == "");
}

TEST_CASE("changes that share no packets have a head each") {
  const auto r = find_region(query(4, {{0, 1}, {2, 3}}, {1, 3}));
  CHECK(numbers(r.operators) == "1 3");
  CHECK(numbers(r.heads) == "1 3");
}

TEST_CASE("an empty graph and a whole one have the region that one expects") {
  CHECK(find_region(query(0, {}, {})).operators.empty());
  const auto all = find_region(query(3, {{0, 1}, {1, 2}}, {0, 1, 2}));
  CHECK(numbers(all.operators) == "0 1 2");
  CHECK(numbers(all.heads) == "0");
}

TEST_CASE("the region of any graph is what going every way finds") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 5'000; ++i) {
    const auto q = random_query(random);
    const auto r = find_region(q);
    REQUIRE(numbers(r.operators) == numbers(region_by_all_ways(q)));
    for (std::size_t a = 0; a < q.arcs.size(); ++a)
      CHECK(r.arcs[a] == (r.operators[q.arcs[a].first] && r.operators[q.arcs[a].second]));
    for (std::size_t op = 0; op < q.operators; ++op) {
      bool led_to = false;
      for (std::size_t a = 0; a < q.arcs.size(); ++a)
        led_to = led_to || (r.arcs[a] && q.arcs[a].second == op);
      CHECK(r.heads[op] == (r.operators[op] && !led_to));
    }
  }
}

TEST_CASE("every packet of one request sees one side of a change, in any interleaving") {
  std::mt19937_64 random(12);
  for (int i = 0; i < 3'000; ++i) {
    const auto q = random_query(random);
    const auto region = find_region(q);
    for (int run = 0; run < 4; ++run) {
      simulation s(q, region, random);
      REQUIRE(s.consistent());
      REQUIRE(s.complete());
    }
  }
}

TEST_CASE("markers that enter at the changed operators only would split requests") {
  std::mt19937_64 random(12);
  std::size_t split = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto q = random_query(random);
    const auto region = only_changes(q);
    split += !simulation(q, region, random).consistent();
  }
  CHECK(split > 20);
}

TEST_CASE("no head that does not change itself can be left out") {
  std::mt19937_64 random(13);
  std::size_t needed = 0;
  for (int i = 0; i < 400; ++i) {
    const auto q = random_query(random);
    const auto region = find_region(q);
    for (std::size_t head = 0; head < q.operators; ++head) {
      if (!region.heads[head] || q.changes[head]) continue;
      marker_region less = region;
      less.operators[head] = less.heads[head] = false;
      for (std::size_t a = 0; a < q.arcs.size(); ++a)
        less.arcs[a] = less.operators[q.arcs[a].first] && less.operators[q.arcs[a].second];
      for (std::size_t op = 0; op < q.operators; ++op) {
        less.heads[op] = less.operators[op];
        for (std::size_t a = 0; a < q.arcs.size(); ++a)
          if (less.arcs[a] && q.arcs[a].second == op) less.heads[op] = false;
      }
      bool split = false;
      for (int run = 0; run < 5'000 && !split; ++run)
        split = !simulation(q, less, random).consistent();
      CHECK(split);
      ++needed;
    }
  }
  CHECK(needed > 20);
}

TEST_CASE("a graph with more ways than atoms in the world takes no longer than its size") {
  arcs diamonds;
  constexpr std::size_t n = 10'000;
  for (std::size_t i = 0; i + 3 < n; i += 3)
    for (const auto& [from, to] : arcs{{i, i + 1}, {i, i + 2}, {i + 1, i + 3}, {i + 2, i + 3}})
      diamonds.emplace_back(from, to);
  const auto r = find_region(query(n, std::move(diamonds), {n - 1}));
  CHECK(std::count(r.operators.begin(), r.operators.end(), true) == n);
  CHECK(numbers(r.heads) == "0");
}

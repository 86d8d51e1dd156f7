#include "lifecycle/policy_rule.hpp"

#include "lifecycle/policy_check.hpp"
#include "policy_parts.hpp"
#include "temporary_folder.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

using time_point = metric_window::time_point;

time_point at(std::chrono::nanoseconds time) { return time_point(100h) + time; }

metric_reading counted(double count) {
  metric_reading made;
  made.kind = metric_reading::shape::counter;
  made.count = count;
  return made;
}

metric_reading recorded(std::vector<std::uint64_t> buckets, double sum) {
  metric_reading made;
  made.kind = metric_reading::shape::histogram;
  made.count = sum;
  made.buckets = std::move(buckets);
  made.bounds = {1, 2, 4};
  return made;
}

/// The condition, written anew, or what is wrong with it.
std::string parsed(const std::string& text) {
  std::vector<metric_use> metrics;
  const auto made = parse_condition(text, metrics);
  return made ? made->text() : made.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

texts good(const texts& more = {}) {
  texts all{{"when", "queued(b) > 100"},
            {"update", "b=t.b@2"},
            {"back_when", "queued(b) < 50"},
            {"back_update", "b=t.b@1"}};
  for (const auto& one : more) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& a) { return a.first == one.first; });
    if (same == all.end()) all.push_back(one);
    else same->second = one.second;
  }
  return all;
}

std::string mistakes_of(const texts& more) {
  std::string all;
  for (const auto& m : read_policy(policy_settings(good(more))).mistakes) all += m + "\n";
  return all;
}

} // namespace

// -- values over a window -------------------------------------------------------------------------

TEST_CASE("a counter is worth its rate over the window, once that is full") {
  metric_window w(1s);
  CHECK_FALSE(w.look().number);
  for (int i = 0; i <= 9; ++i) {
    w.add(at(i * 100ms), counted(i * 10));
    CHECK_FALSE(w.look().number);
    CHECK(w.look().why_not == "the window is not full yet");
  }
  w.add(at(1s), counted(100));
  CHECK(w.look().number.value() == doctest::Approx(100));
  w.add(at(1500ms), counted(100));
  CHECK(w.look().number.value() == doctest::Approx(50)); // since 0.5 s
  w.add(at(10s), counted(100));
  CHECK(w.look().number.value() == doctest::Approx(0));
}

TEST_CASE("a counter that begins anew is a break, and so is one that cannot be read") {
  metric_window w(1s);
  w.add(at(0s), counted(1000));
  w.add(at(1s), counted(2000));
  CHECK(w.look().number.value() == doctest::Approx(1000));
  w.add(at(2s), counted(5));
  CHECK_FALSE(w.look().number);
  w.add(at(3s), counted(15));
  CHECK(w.look().number.value() == doctest::Approx(10));
  metric_reading away;
  away.missing = "away";
  w.add(at(4s), away);
  CHECK(w.look().why_not == "away");
  w.add(at(5s), counted(20));
  CHECK_FALSE(w.look().number);
}

TEST_CASE("a level is worth its mean over time, however often it was looked at") {
  metric_window w(10s);
  w.add(at(0s), level_of(7));
  for (int i = 1; i <= 50; ++i) w.add(at(i * 100ms), level_of(10));
  w.add(at(10s), level_of(30));
  CHECK(w.look().number.value() == doctest::Approx(20));
}

TEST_CASE("what waits is divided by what is taken") {
  const auto reading = [](double queued, double taken) {
    metric_reading made;
    made.kind = metric_reading::shape::wait;
    made.level = queued;
    made.count = taken;
    return made;
  };
  metric_window w(1s);
  w.add(at(0s), reading(20, 0));
  w.add(at(1s), reading(20, 1000));
  CHECK(w.look().number.value() == doctest::Approx(0.02));
  w.add(at(2s), reading(20, 1000)); // nothing is taken any more
  CHECK(std::isinf(w.look().number.value()));
  w.add(at(3s), reading(0, 1000));
  CHECK(w.look().number.value() == 0);
}

TEST_CASE("a histogram is worth the mean or a quantile of what was recorded within the window") {
  metric_window mean(1s), median(1s, 0.5), high(1s, 0.99);
  for (auto* w : {&mean, &median, &high}) {
    w->add(at(0s), recorded({5, 5, 5, 5}, 50));
    w->add(at(1s), recorded({5, 5, 5, 5}, 50));
    CHECK(w->look().why_not == "nothing was recorded within the window");
    w->add(at(2s), recorded({5, 15, 5, 5}, 65));
  }
  CHECK(mean.look().number.value() == doctest::Approx(1.5));
  CHECK(median.look().number.value() == doctest::Approx(1.5));
  CHECK(high.look().number.value() == doctest::Approx(1.99));
  high.add(at(3s), recorded({5, 15, 5, 1000}, 9000));
  CHECK(high.look().number.value() == doctest::Approx(4)); // the last bound
}

// -- reading --------------------------------------------------------------------------------------

namespace {

observation sample() {
  observation o;
  o.status.resident_bytes = 1 << 20;
  const auto add = [&](const char* name, const char* reference, std::uint64_t in,
                       const char* replica_of = "") {
    operator_status s;
    s.name = name;
    s.reference = reference;
    s.packets_in = in;
    s.busy_ns = 500'000'000;
    s.entries = 3;
    s.replica_of = replica_of;
    o.status.operators.push_back(std::move(s));
  };
  add("a", "t.a@1", 0);
  add("b", "t.b@1", 70);
  add("store:0/2", "t.s@1", 10, "store");
  add("store:1/2", "t.s@1", 30, "store");
  add("trace:1", "instar.tap@1", 0);
  o.status.arcs = {{"a.out -> b.in", "p", 64, 10, false},
                   {"a.more -> b.in", "p", 64, 1, false},
                   {"b.out -> trace:1.in", "p", 100, 5, false},
                   {"trace:1.out -> store:0/2.in", "p", 100, 7, false},
                   {"b.out -> store:1/2.in", "p", 100, 20, false}};
  o.own.push_back(
      {"b",
       {{{"hits_total", "", metric_kind::counter, {{"code", "2"}, {"z", "1"}}}, 40, {}},
        {{"hits_total", "", metric_kind::counter, {{"code", "5"}, {"z", "1"}}}, 2, {}},
        {{"depth", "", metric_kind::gauge}, 9, {}},
        {{"took_seconds", "", metric_kind::histogram, {}, 1e-3, {1000, 2000}}, 12, {3, 4, 0}}}});
  o.own.push_back({"store:0/2", {{{"locks_total", "", metric_kind::counter}, 5, {}}}});
  o.own.push_back({"store:1/2", {{{"locks_total", "", metric_kind::counter}, 6, {}}}});
  return o;
}

metric_reading read(const std::string& name, const std::string& arguments) {
  const auto metric = parse_metric(name, arguments);
  if (!metric) FAIL(metric.error().message);
  return read_metric(*metric, sample());
}

} // namespace

TEST_CASE("metrics are read from what a service tells") {
  CHECK(read("queued", "a -> b").level == 11);
  CHECK(read("queued", "a.more -> b").level == 1);
  CHECK(read("queued", "b").level == 11);
  CHECK(read("credit", "a.out->b.in").level == 54);
  CHECK(read("packets_in", "b").count == 70);
  CHECK(read("packets_in", "store").count == 40); // of all replicas
  CHECK(read("busy", "store").count == doctest::Approx(1));
  CHECK(read("entries", "store").level == 6);
  CHECK(read("wait", "b").level == 11);
  CHECK(read("wait", "b").count == 70);
  CHECK(read("memory", "").level == 1 << 20);
  CHECK(read("own", "b, hits_total").count == 42);
  CHECK(read("own", "b, hits_total{code=\"5\"}").count == 2);
  CHECK(read("own", "b, depth").level == 9);
  CHECK(read("own", "store, locks_total").count == 11);
  const auto took = read("own", "b, took_seconds, p99");
  CHECK(took.count == 12);
  CHECK(took.bounds == std::vector<double>{1, 2});
  CHECK(took.buckets == std::vector<std::uint64_t>{3, 4, 0});
}

TEST_CASE("an arc that is traced is its two halves") {
  CHECK(read("queued", "b -> store").level == 32);
  CHECK(read("queued", "b.out -> store.in").level == 32);
}

TEST_CASE("what cannot be read says why") {
  CHECK(read("queued", "c").missing == "there is no operator 'c' now");
  CHECK(read("busy", "c").missing == "there is no operator 'c' now");
  CHECK(read("queued", "b -> a").missing == "no arc leads from 'b' to 'a' now");
  CHECK(read("own", "b, hit_total").missing ==
        "operator 'b' shows no metric 'hit_total'; did you mean 'hits_total'?");
  CHECK(read("own", "b, hits_total{code=\"7\"}").missing ==
        "operator 'b' shows no metric 'hits_total' with these labels");
  CHECK(contains(read("own", "b, depth, p50").missing, "is no histogram"));
}

// -- conditions -----------------------------------------------------------------------------------

TEST_CASE("conditions are read, and written the same way for the same meaning") {
  for (const auto& one : std::initializer_list<std::pair<const char*, const char*>>{
           {"queued(b)>200", "queued(b) > 200"},
           {" queued( parse.out->load ) >= 200 ", "queued(parse.out -> load) >= 200"},
           {"queued(b) / queued(c) > 80%", "queued(b) / queued(c) > 80%"},
           {"wait(b) > 2 ms and memory < 2GB", "wait(b) > 2 ms and memory < 2 GB"},
           {"packets_in(b) > 6000/min", "packets_in(b) > 100/s"},
           {"own(b,hits_total)/(own(b, hits_total) + own(b,misses_total)) < 30%",
            "own(b, hits_total) / (own(b, hits_total) + own(b, misses_total)) < 30%"},
           {"own(b, wait_seconds_total) / own(b, locks_total) > 50us",
            "own(b, wait_seconds_total) / own(b, locks_total) > 50 us"},
           {"own(b, wait_seconds_total) > 30%", "own(b, wait_seconds_total) > 30%"},
           {"own(b, sent_bytes_total) > 10MB/s", "own(b, sent_bytes_total) > 10 MB/s"},
           {"own(m, took_seconds{b=\"y)\", a=\"x\"}, p99) > 20ms",
            "own(m, took_seconds{a=\"x\",b=\"y)\"}, p99) > 20 ms"},
           {"((busy(b))) <= 5%\nand\tevents(b) > 1/h",
            "busy(b) <= 5% and events(b) > 0.000277778/s"},
           {"queued(b) > 5 and queued(c) > 5", "queued(b) > 5 and queued(c) > 5"}})
    CHECK(parsed(one.first) == one.second);
}

TEST_CASE("a condition that is none is told what is wrong and what to write") {
  for (const auto& one : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "a metric is expected"},
           {"quued(b) > 5", "'quued' is no metric; did you mean 'queued'?"},
           {"> 5", "'> 5' begins with no metric"},
           {"queued(b)", "'queued(b)' is not compared with anything"},
           {"queued(b) > ", "is followed by no number"},
           {"queued(b) > x", "is followed by no number"},
           {"queued(b) > 5ms", "'5ms' is no number"},
           {"queued(b) > 1.2.3", "'1.2.3' is no number"},
           {"busy(b) > 80", "'80' has no unit; what it is compared with is a share, so write for "
                            "example 80%"},
           {"wait(b) > 5", "'5' has no unit; what it is compared with is a time"},
           {"wait(b) > 5 parsecs", "'5 parsecs' is no time"},
           {"memory > 5", "'5' has no unit"},
           {"packets_in(b) > 500", "'500' has no unit; what it is compared with is a rate"},
           {"packets_in(b) > 500/d", "'500/d' is no rate"},
           {"own(b, sent_bytes_total) > 5/s", "is no rate of bytes"},
           {"queued(a -> b) + wait(b) > 5", "only what is of one kind can be added"},
           {"queued(b) / memory > 5", "for which there is no unit"},
           {"queued(b) > 5 or queued(c) > 5", "join comparisons with 'and'"},
           {"queued(b > 5", "has no ')'"},
           {"(queued(b) > 5", "has no ')'"},
           {"queued() > 5", "names no operator"},
           {"credit(b) > 5", "names no arc"},
           {"queued(a -> ) > 5", "names no arc"},
           {"busy(a b) > 5%", "names no operator"},
           {"memory(b) > 5MB", "is of the whole service; write 'memory'"},
           {"own(b) > 5", "write for example own(cache, hits_total)"},
           {"own(b, hits_total{a}) > 5/s", "the labels of 'hits_total' are none"},
           {"own(b, hits_total, p99) > 5/s", "has no quantiles"},
           {"own(b, took_seconds, p100) > 5ms", "is no quantile"},
           {"own(b, took_seconds x) > 5ms", "is no metric"}})
    CHECK_MESSAGE(contains(parsed(one.first), one.second), one.first << ": " << parsed(one.first));
  CHECK(contains(parsed(std::string(5000, '(')), "write a shorter one"));
  CHECK(contains(parsed(std::string(500, '(') + "queued(b) > 1"), "too deep"));
  std::string many = "queued(a) > 1", wide = "queued(x0)";
  for (int i = 0; i < 10; ++i) many += " and queued(a) > 1";
  for (int i = 1; i < 20; ++i) wide += " + queued(x" + std::to_string(i) + ")";
  CHECK(contains(parsed(many), "more than 8 comparisons"));
  CHECK(contains(parsed(wide + " > 1"), "more than 16 metrics"));
}

TEST_CASE("whatever the text is, it is read or refused in one line") {
  const std::vector<std::string> pieces = {
      "queued",     "own", "wait", "memory", "(",  ")",  "a", "b.c", "->",  ",",
      "hits_total", "{",   "}",    "=",      "\"", "/",  "+", ">",   "<=",  "5",
      "2ms",        "80%", "10/s", "and",    " ",  "\n", ".", "p99", "\xff"};
  std::mt19937 random(3);
  std::size_t good = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random() % 2 ? "queued(a) > 1" : "";
    for (auto n = random() % 12; n > 0; --n) text += pieces[random() % pieces.size()];
    std::vector<metric_use> metrics;
    const auto made = parse_condition(text, metrics);
    if (!made) {
      CHECK(!made.error().message.empty());
      continue;
    }
    ++good;
    // An expression that is written anew means the same.
    for (const auto& one : made->all) {
      std::vector<metric_use> again;
      const auto text = one.expression + " > " + value_text(1, one.unit);
      const auto back = parse_condition(text, again);
      REQUIRE_MESSAGE(back, text);
      CHECK(back->all.at(0).expression == one.expression);
      CHECK(back->all.at(0).steps.size() == one.steps.size());
    }
    const std::vector<metric_window::value> values(metrics.size(), {1.0, {}});
    for (const auto& one : made->all) CHECK(one.evaluate(values).number.has_value());
  }
  CHECK(good > 100);
}

TEST_CASE("an expression is worked out from the values of its metrics") {
  std::vector<metric_use> metrics;
  const auto made =
      parse_condition("queued(a) / (queued(a) + queued(b)) > 25%", metrics).value().all.at(0);
  REQUIRE(metrics.size() == 2);
  const auto value = [&](std::optional<double> a, std::optional<double> b) {
    return made.evaluate({{a, "no a"}, {b, "no b"}});
  };
  CHECK(value(1, 3).number.value() == 0.25);
  CHECK_FALSE(made.holds(0.25));
  CHECK(made.holds(0.26));
  CHECK(contains(value(0, 0).why_not, "nothing to divide by"));
  CHECK(value({}, 3).why_not == "no a");
  CHECK(value(1, {}).why_not == "no b");
}

TEST_CASE("conditions that never or always hold, or that lead to and fro, are found") {
  const auto condition_of = [](const std::string& text) {
    std::vector<metric_use> metrics;
    return parse_condition(text, metrics).value();
  };
  const auto flaw = [&](const std::string& text) { return flaw_of(condition_of(text)); };
  CHECK(flaw("queued(a) > 5 and queued(a) < 10") == "");
  CHECK(contains(flaw("queued(a) > 5 and queued(a) < 5"), "cannot hold at once"));
  CHECK(contains(flaw("queued(a) < 0"), "never holds"));
  CHECK(contains(flaw("queued(a) >= 0"), "always holds"));
  CHECK(flaw("queued(a) <= 0") == "");

  const auto between = [&](const std::string& there, const std::string& back) {
    return contradiction(condition_of(there), condition_of(back));
  };
  CHECK(between("queued(a) > 5", "queued(a) < 4") == "");
  CHECK(contains(between("queued(a) > 5", "queued(a) < 6"), "both hold for some values"));
  CHECK(contains(between("queued(a) > 5", "queued(a) > 4"), "both hold for some values"));
  CHECK(contains(between("queued(a) > 5", "queued(a) < 5"), "no gap"));
  CHECK(contains(between("queued(a) > 5", "queued(a) <= 5"), "no gap"));
  CHECK(between("queued(a) > 5", "queued(b) > 5") == ""); // nobody can tell
  CHECK(between("queued(a) > 5 and queued(c) > 1", "queued(a) < 4 and queued(c) > 1") == "");
  CHECK(contains(between("queued(a) > 5 and queued(c) > 1", "queued(c) > 1"), "to and fro"));
  CHECK(between("queued(a) > 5 and queued(c) > 1", "queued(b) > 5 and queued(c) > 1") == "");
}

// -- rules ----------------------------------------------------------------------------------------

TEST_CASE("a rule is read from settings, with its defaults") {
  const auto rule = policy_rule_of(good());
  CHECK(rule.returns());
  CHECK(rule.there.hold == 5s);
  CHECK(rule.back.hold == 5s);
  CHECK(rule.cool_down == 30s);
  CHECK(rule.every == 100ms);
  CHECK(rule.window == 1s);
  CHECK(rule.per_hour == 12);
  CHECK(rule.deadline == 0s);
  CHECK_FALSE(rule.paused);
  CHECK(rule.metrics.size() == 1); // that both conditions share
  CHECK(rule.there.action.text() == "update b=t.b@2");
  CHECK(policy_rule_of(good({{"back_for", "1min"}})).back.hold == 1min);
  const auto two =
      policy_rule_of(good({{"update", "b=t.b@2 c=t.c@3"}, {"back_update", "c=t.c@1\nb=t.b@1"}}));
  CHECK(two.there.action.updates.size() == 2);
}

TEST_CASE("every mistake in a rule is told, with the setting and the remedy") {
  const std::initializer_list<std::pair<texts, const char*>> wrong = {
      {{{"when", "queued(b)"}}, "when: 'queued(b)' is not compared"},
      {{{"when", "queued(b) < 0"}}, "when: 'queued(b) < 0' never holds"},
      {{{"update", ""}}, "update: there is nothing to ask for; give 'update' or 'apply'"},
      {{{"update", "b"}}, "update: 'b' is no update; write OPERATOR=TYPE@VERSION"},
      {{{"update", "b=t.b@2 b=t.b@3"}}, "update: operator 'b' is there twice"},
      {{{"apply", "/x.toml"}}, "apply: cannot be given beside 'update'"},
      {{{"back_update", ""}}, "back_when: there is nothing to ask for then"},
      {{{"back_when", ""}}, "back_update: is without back_when"},
      {{{"back_when", "queued(b) < 150"}}, "back_when: contradicts 'when': both hold for some"},
      {{{"back_when", "queued(b) < 100"}}, "back_when: contradicts 'when': there is no gap"},
      {{{"back_update", "b=t.b@2"}}, "back_update: operator 'b' becomes t.b@2 on both ways"},
      {{{"back_update", "c=t.c@2"}},
       "back_update: operator 'b' is exchanged on the way there only"},
      {{{"back_update", "b=t.b@1 c=t.c@2"}},
       "update: operator 'c' is exchanged on the way back only"},
      {{{"back_update", ""}, {"back_apply", "/x.toml"}},
       "back_apply: the way there is of the other kind"},
      {{{"update", ""}, {"apply", "/x.toml"}, {"back_update", ""}, {"back_apply", "/x.toml"}},
       "back_apply: is the file of the way there"},
      {{{"per_hour", "1"}}, "per_hour: leaves no room for the way back; write at least 2"},
      {{{"per_hour", "0"}}, "per_hour: is out of range; write 1 to"},
      {{{"every", "1us"}}, "every: is out of range; write 1 ms to"},
      {{{"every", "1ms"}, {"window", "1h"}}, "window: has more than 10000 times 'every' in it"},
      {{{"for", "100h"}}, "for: is out of range"},
  };
  for (const auto& one : wrong)
    CHECK_MESSAGE(contains(mistakes_of(one.first), one.second), mistakes_of(one.first));
  // All at once.
  const auto all = mistakes_of({{"when", "x > 1"}, {"per_hour", "0"}, {"update", "y"}});
  CHECK(contains(all, "when: "));
  CHECK(contains(all, "per_hour: "));
  CHECK(contains(all, "update: "));
}

// -- a rule in its graph --------------------------------------------------------------------------

namespace {

/// `a -> b`, of which `b` has the versions 1 and 2, and a policy.
graph graph_with(const texts& settings, const std::filesystem::path& origin = "/g/x.toml") {
  graph g;
  g.name = "g";
  g.origin = origin;
  const auto add = [&](const char* name, const char* type) -> operator_node& {
    auto& op = g.operators.emplace_back();
    op.name = name;
    op.type = type;
    op.version = 1;
    return op;
  };
  add("a", "t.a");
  add("b", "t.b");
  auto& p = add("p", "instar.policy");
  p.line = 9;
  p.values = policy_settings(settings);
  arc_node arc;
  arc.from = "a";
  arc.from_port = "out";
  arc.to = "b";
  arc.to_port = "in";
  arc.capacity = 1024;
  g.arcs.push_back(arc);
  return g;
}

std::string checked(const graph& g) {
  const auto types = [](std::string_view type,
                        std::uint32_t version) -> result<operator_description> {
    if (type == "t.b" && version <= 2) return operator_description();
    return failure{errc::not_found, "no " + std::string(type) + "@" + std::to_string(version)};
  };
  std::string all;
  for (const auto& m : check_policies(g, types)) all += m.message + "\n";
  return all;
}

} // namespace

TEST_CASE("a rule that fits its graph is good") {
  CHECK(checked(graph_with(good())) == "");
  CHECK(checked(graph_with(good({{"when", "queued(a -> b) > 1000"}}))) == "");
  CHECK(checked(graph_with(good({{"when", "own(b, whatever_total) > 1/s"}}))) == "");
}

TEST_CASE("a rule is checked against its graph: place, cause and remedy in a line") {
  CHECK(checked(graph_with(good({{"when", "queued(bb) > 100"}}))) ==
        "/g/x.toml:9: operator 'p': when: 'queued(bb)' names the operator 'bb', which is not in "
        "the graph; did you mean 'b'?\n");
  const std::initializer_list<std::pair<texts, const char*>> wrong = {
      {{{"back_when", "busy(c) < 5%"}}, "back_when: 'busy(c)' names the operator 'c'"},
      {{{"when", "queued(b -> a) > 100"}},
       "when: 'queued(b -> a)' names an arc that is not in the graph"},
      {{{"when", "queued(a.more -> b) > 100"}}, "names an arc that is not in the graph"},
      {{{"when", "queued(b) > 5000"}}, "never holds: there is room for 1024 packets"},
      {{{"back_when", "credit(a -> b) < 3000"}}, "always holds: there is room for 1024 packets"},
      {{{"when", "busy(b) > 150%"}}, "never holds: an operator runs on one core at a time"},
      {{{"update", "c=t.b@2"}, {"back_update", "c=t.b@1"}},
       "update: 'c=t.b@2' names the operator 'c'"},
      {{{"update", "b=t.b@7"}}, "update: 'b=t.b@7': no t.b@7"},
      {{{"update", "p=instar.policy@2"}, {"back_update", "p=instar.policy@3"}},
       "update: 'p=instar.policy@2' is about the policy itself"},
      {{{"update", "b=t.b@2"}, {"back_update", "b=t.b@0"}}, "'b=t.b@0' is no update"},
  };
  for (const auto& one : wrong) {
    const auto said = checked(graph_with(good(one.first)));
    CHECK_MESSAGE(contains(said, one.second), said);
  }
  auto elsewhere = graph_with(good());
  elsewhere.operators[1].version = 3;
  CHECK(contains(checked(elsewhere), "the graph has b=t.b@3, which is neither side of the rule"));
}

TEST_CASE("graph files that would be applied have to be there, and to have the policy") {
  const temporary_folder folder;
  const auto write = [&](const char* name, const std::string& text) {
    const auto path = folder.path() / name;
    std::ofstream(path) << text;
    return path.string();
  };
  const std::string head = "[graph]\narcs = []\n[operators]\n";
  const auto home = write("home.toml", head + "p = { type = \"instar.policy@1\" }\n");
  const auto there = write("there.toml", head + "p = { type = \"instar.policy@1\" }\n");
  const auto without = write("without.toml", head + "q = { type = \"t.b@1\" }\n");
  const auto broken = write("broken.toml", "[graph");
  const auto rule = [&](const std::string& file) {
    return good({{"update", ""}, {"back_update", ""}, {"apply", file}, {"back_apply", home}});
  };
  CHECK(checked(graph_with(rule(there), home)) == "");
  CHECK(
      contains(checked(graph_with(rule(without), home)), "has no policy 'p', so nobody would go"));
  CHECK(contains(checked(graph_with(rule(broken), home)), "not TOML"));
  CHECK(contains(checked(graph_with(rule("/nowhere/x.toml"), home)), "cannot be read"));
  CHECK(contains(checked(graph_with(rule(there), "/g/x.toml")), "so it would never act"));
}

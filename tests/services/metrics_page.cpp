#include "services/exposition.hpp"
#include "services/fake_context.hpp"
#include "services/http/meter.hpp"
#include "services/http/traffic.hpp"
#include "services/metrics/insert.hpp"
#include "services/metrics/page.hpp"
#include "services/metrics/page_text.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace instar;
using namespace instar::metrics_page;
using namespace std::chrono_literals;
using test::exposition;

namespace {

/// A service that looks as it is told to.
struct told_service final : metrics {
  observation seen;
  bool ends = false;
  observation look() override {
    if (ends) throw std::runtime_error("it ends");
    seen.own = own();
    return seen;
  }
};

operator_status busy(std::string name, std::string reference) {
  operator_status op;
  op.name = std::move(name);
  op.reference = std::move(reference);
  op.packets_in = 11;
  op.blocked = 3;
  op.busy_ns = 2'500'000'000;
  return op;
}

observation some_service() {
  observation o;
  o.status.name = "sh\"op\\\n";
  o.status.version = "1.2.3";
  o.status.epoch = 7;
  o.status.operators = {busy("load", "http.load@2"), busy("odd \"one\"\\\n", "x@1"),
                        busy("trace:9", "instar.tap@1")};
  o.status.arcs = {{"odd.out -> load.request", "p", 64, 5, false},
                   {"load.out -> trace:9.in", "p", 64, 1, false},
                   {"trace:9.out -> load.request", "p", 64, 2, false},
                   {"load.again -> load.request", "p", 8, 9, true}};
  history_entry done;
  done.outcome = transition_outcome::committed;
  done.steps = {{"plan", 90us}, {"prepare", 3ms}, {"commit", 100us}};
  done.mark_to_commit = 20s;
  o.transitions.note(done);
  done.outcome = transition_outcome::refused;
  o.transitions.note(done);
  return o;
}

/// Counted by what it says.
struct fixture {
  test::driven_reactor sockets;
  test::fake_context ctx{sockets};
  test::connected one = test::connect(sockets), two = test::connect(sockets);
  told_service service;

  fixture() { ctx.resources.emplace(metrics::resource_name, static_cast<metrics*>(&service)); }

  settings path(const char* text = "/metrics") {
    settings s;
    s.set("path", std::string(text));
    return s;
  }
  packet ask(const test::connected& from, std::string_view target,
             http::request_line line = {.refused = 0}) {
    return {http::request::make(net::open_request(from.here), line, target), from.here->id()};
  }
  static void answered(http::response& of) { of.from.take()->close_request(); }
};

} // namespace

TEST_CASE("the page is in the text format, with every part of the service") {
  const exposition page(
      page_text({some_service(), read_process_usage(), heap_usage{1, 2, 3, 4, 5}}));
  for (const auto& m : page.mistakes) FAIL_CHECK(m);
  CHECK(page.value("instar_epoch") == 7);
  CHECK(page.value("instar_info", {{"service", "sh\"op\\\n"}, {"version", "1.2.3"}}) == 1);
  CHECK(page.value("instar_operator_info",
                   {{"operator", "load"}, {"type", "http.load"}, {"version", "2"}}) == 1);
  CHECK(page.value("instar_operator_packets_in_total", {{"operator", "odd \"one\"\\\n"}}) == 11);
  CHECK(page.value("instar_operator_stalls_total", {{"operator", "load"}}) == 3);
  CHECK(page.value("instar_operator_busy_seconds_total", {{"operator", "load"}}) == 2.5);
  CHECK(page.value("instar_arc_credits", {{"arc", "load.again -> load.request"}}) == 0);
  CHECK(page.value("instar_operator_mailbox_packets", {{"operator", "load"}}) == 16);
  CHECK(page.value("instar_transitions_total", {{"outcome", "committed"}}) == 1);
  CHECK(page.value("instar_transitions_total", {{"outcome", "refused"}}) == 1);
  CHECK(page.value("instar_transitions_total", {{"outcome", "rolled back"}}) == 0);
  // Bounds are inclusive, and only what was committed has times.
  CHECK(page.value("instar_transition_step_seconds_bucket", {{"step", "plan"}, {"le", "0.0001"}}) ==
        1);
  CHECK(page.value("instar_transition_step_seconds_bucket",
                   {{"step", "commit"}, {"le", "0.0001"}}) == 1);
  CHECK(page.value("instar_transition_mark_to_commit_seconds_bucket", {{"le", "10"}}) == 0);
  CHECK(page.value("instar_transition_mark_to_commit_seconds_count") == 1);
  CHECK(page.value("instar_transition_seconds_sum") == doctest::Approx(0.00319));
  CHECK(page.value("instar_jemalloc_resident_bytes") == 4);
  CHECK(page.value("instar_checkpoint_size_bytes") == -1);
  CHECK(page.value("process_open_fds") > 2);
  CHECK(page.value("process_resident_memory_bytes") > 1e6);
  CHECK(page.value("process_cpu_seconds_total") >= 0);
  CHECK(page.value("process_start_time_seconds") > 1.6e9);
  CHECK(page.value("instar_metrics_left_out") == 0);
}

TEST_CASE("what is there for a while, under names of its own, makes no series") {
  const auto text = page_text({some_service(), {}, {}});
  CHECK(text.find("trace:9") == std::string::npos);
  CHECK(text.find("jemalloc") == std::string::npos);
}

TEST_CASE("a checkpoint is told of if there is one") {
  auto o = some_service();
  o.checkpoint = {std::chrono::system_clock::now() - 90s, 6, 12345};
  const exposition page(page_text({o, {}, {}}));
  CHECK(page.mistakes.empty());
  CHECK(page.value("instar_checkpoint_size_bytes") == 12345);
  CHECK(page.value("instar_checkpoint_age_seconds") >= 90);
  CHECK(page.value("instar_checkpoint_epoch") == 6);
}

TEST_CASE("own metrics whose names are taken are left out and counted") {
  auto o = some_service();
  const metric_sample right{
      {"sales_total", "S.", metric_kind::counter, {{"kind", "a\"\\\n"}}}, 5, {}};
  o.own = {{"load",
            {right,
             right, // twice
             {{"sales_total", "S.", metric_kind::gauge}, 1, {}},
             {{"instar_transition_seconds_sum", "S.", metric_kind::gauge}, 1, {}},
             {{"instar_epoch", "S.", metric_kind::histogram, {}, 1, {1}}, 1, {1, 0}}}},
           {"other", {right}}};
  const exposition page(page_text({o, {}, {}}));
  for (const auto& m : page.mistakes) FAIL_CHECK(m);
  CHECK(page.value("sales_total", {{"operator", "load"}, {"kind", "a\"\\\n"}}) == 5);
  CHECK(page.value("sales_total", {{"operator", "other"}, {"kind", "a\"\\\n"}}) == 5);
  CHECK(page.value("instar_metrics_left_out") == 4);
}

TEST_CASE("the checker of this test finds what is wrong") {
  const std::string good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"1\"} 2\n"
                           "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
                           "h_sum 3\nh_count 2\n";
  CHECK(exposition(good).mistakes.empty());
  for (const auto& [part, instead] : std::vector<std::pair<std::string, std::string>>{
           {"h_count 2", "h_count 3"},
           {"h_bucket{le=\"1\"} 1", "h_bucket{le=\"1\"} 3"},
           {"h_bucket{le=\"+Inf\"} 2\n", ""},
           {"h_sum 3\n", ""},
           {"a_total{x=\"1\"} 2\n", "a_total{x=\"1\"} 2\na_total{x=\"1\"} 2\n"},
           {"a_total{x=\"1\"} 2", "a_total{x=\"1\"} two"},
           {"a_total{x=\"1\"} 2", "a_total{x=\"1\"} -2"},
           {"{x=\"1\"}", "{x=\"1}"},
           {"{x=\"1\"}", "{x=\"\\q\"}"},
           {"{x=\"1\"}", "{x=\"1\",x=\"2\"}"},
           {"counter", "conter"},
           {"# TYPE h histogram\n", ""},
           {"h_count 2\n", "h_count 2\na_total{x=\"2\"} 1\n"},
           {"h_count 2\n", "h_count 2"}}) {
    auto bad = good;
    bad.replace(bad.find(part), part.size(), instead);
    CHECK_MESSAGE(!exposition(bad).mistakes.empty(), bad);
  }
}

TEST_CASE_FIXTURE(fixture,
                  "the page's path gets the page, others are not found, mistakes stay so") {
  page tested(path());
  tested.on_packet(ctx, 0, ask(one, "/metrics?x=1"));
  tested.on_packet(ctx, 0, ask(one, "/metrics", {.method = http::method::head, .refused = 0}));
  tested.on_packet(ctx, 0, ask(one, "/other"));
  tested.on_packet(ctx, 0, ask(one, "/metrics", {.refused = 405}));
  service.ends = true;
  tested.on_packet(ctx, 0, ask(one, "/metrics"));
  auto got = ctx.take<http::response>();
  REQUIRE(got.size() == 5);
  CHECK(got[0]->status == 200);
  CHECK(got[0]->content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(exposition(got[0]->body.text()).mistakes.empty());
  CHECK(got[1]->status == 200);
  CHECK(got[1]->content_length > 100);
  CHECK(got[1]->body.size() == 0);
  CHECK(got[2]->status == 404);
  CHECK(got[3]->status == 405);
  CHECK(got[4]->status == 503);
  for (auto& r : got) answered(*r);
  CHECK_THROWS_AS(page(path("metrics")), std::invalid_argument);
}

TEST_CASE_FIXTURE(fixture, "answers of a connection keep their order while its page is made") {
  metrics_page::insert tested(path());
  const auto respond = [&](const test::connected& to, std::string_view target) {
    auto p = ask(to, target);
    auto made = make_payload<http::response>(p.take<http::request>());
    made->status = 404;
    tested.on_packet(ctx, 0, {std::move(made), to.here->id()});
  };
  ctx.later = true;
  respond(one, "/a");
  respond(one, "/metrics");
  respond(one, "/b");
  respond(two, "/c");
  respond(one, "/metrics");
  respond(two, "/metrics");
  respond(two, "/d");
  auto got = ctx.take<http::response>();
  REQUIRE(got.size() == 2); // nobody else waits for the page
  CHECK(got[0]->asked->target() == "/a");
  CHECK(got[1]->asked->target() == "/c");
  for (auto& r : got) answered(*r);
  ctx.work_now();
  got = ctx.take<http::response>();
  REQUIRE(got.size() == 3);
  CHECK(got[0]->asked->target() == "/metrics");
  CHECK(got[0]->status == 200);
  CHECK(got[1]->asked->target() == "/b");
  CHECK(got[1]->status == 404);
  CHECK(got[2]->status == 200);
  for (auto& r : got) answered(*r);
  ctx.work_now(); // one page at a time: that of the other connection was asked for meanwhile
  got = ctx.take<http::response>();
  REQUIRE(got.size() == 2);
  CHECK(got[0]->status == 200);
  CHECK(got[1]->asked->target() == "/d");
  for (auto& r : got) answered(*r);
  CHECK_FALSE(ctx.work_now());
}

TEST_CASE_FIXTURE(fixture, "a meter counts what passes, and a successor goes on with its numbers") {
  settings bounds;
  bounds.set("buckets", std::string("1ms 1s"));
  http::meter first(bounds);
  first.on_start(ctx);
  const auto pass = [&](http::meter& through, std::uint16_t status, http::request_line line = {}) {
    line.refused = 0;
    auto p = ask(one, "/a", line);
    auto made = make_payload<http::response>(p.take<http::request>());
    made->status = status;
    through.on_packet(ctx, 0, {std::move(made), 1});
    auto got = ctx.take<http::response>();
    REQUIRE(got.size() == 1);
    answered(*got[0]);
    return std::move(got[0]);
  };
  auto on_its_way = pass(first, 200);
  pass(first, 100); // no answer yet
  pass(first, 404, {.method = http::method::head});
  pass(first, 206);
  const auto look = [&] { return exposition(page_text({service.look(), {}, {}})); };
  const auto counted = [&](const char* code, const char* method) {
    return look().value("instar_http_requests_total",
                        {{"operator", "tested"}, {"code", code}, {"method", method}});
  };
  CHECK(counted("2xx", "GET") == 2);
  CHECK(counted("4xx", "HEAD") == 1);
  CHECK(counted("1xx", "GET") == -1);

  http::meter second(bounds);
  test::hand_over(first, http::meter::type, second, ctx);
  second.on_start(ctx);
  http::traffic::note_written(*on_its_way, 150, true);
  pass(second, 503);
  CHECK(counted("2xx", "GET") == 2);
  CHECK(counted("5xx", "GET") == 1);
  const auto seen = look();
  CHECK(seen.mistakes.empty());
  CHECK(seen.value("instar_http_request_duration_seconds_count",
                   {{"operator", "tested"}, {"code", "2xx"}}) == 1);
  CHECK(seen.value("instar_http_response_bytes_total", {{"operator", "tested"}}) == 150);

  // Other buckets: what both count goes on.
  bounds.set("buckets", std::string("2ms 1s"));
  http::meter third(bounds);
  test::hand_over(second, http::meter::type, third, ctx);
  third.on_start(ctx);
  pass(third, 200);
  CHECK(counted("2xx", "GET") == 3);
  CHECK(look().value("instar_http_request_duration_seconds_count",
                     {{"operator", "tested"}, {"code", "2xx"}}) == 0);
}

TEST_CASE("buckets that make no sense are refused") {
  for (const auto* text : {"", "1ms 1ms", "5ms 1ms", "0s", "soon", "1"}) {
    settings bounds;
    bounds.set("buckets", std::string(text));
    CHECK_THROWS_AS_MESSAGE(http::meter{bounds}, std::invalid_argument, text);
  }
}

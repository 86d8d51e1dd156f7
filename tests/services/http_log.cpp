#include "services/fake_context.hpp"
#include "services/http/log.hpp"
#include "services/sockets.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

using namespace instar;
using namespace instar::http;
namespace fs = std::filesystem;

namespace {

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t lines_in(const fs::path& file) {
  const auto text = text_of(file);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

struct fixture {
  temporary_folder folder;
  fs::path file = folder.path() / "access.log";
  test::driven_reactor sockets;
  test::fake_context ctx{sockets};
  test::connected one = test::connect(sockets);

  settings values(std::int64_t max_size = 0, std::int64_t max_waiting = 1 << 20) {
    settings s;
    s.set("file", file.string());
    s.set("max_size", max_size);
    s.set("keep", std::int64_t{2});
    s.set("flush_every", std::int64_t{1'000'000});
    s.set("max_waiting", max_waiting);
    return s;
  }
  payload_ptr<response> answer(std::string_view target, std::string_view agent = {}) {
    const noted_field noted[] = {
        {field::user_agent, static_cast<std::uint32_t>(agent.size()), agent.data()}};
    return make_payload<response>(
        request::make(net::open_request(one.here), {.refused = 0}, target, noted));
  }
  void pass(http::log& through, payload_ptr<response> what) {
    through.on_packet(ctx, 0, {std::move(what), 1});
    auto passed = ctx.take<response>();
    REQUIRE(passed.size() == 1);
    passed[0]->from.take()->close_request();
  }
};

} // namespace

TEST_CASE_FIXTURE(fixture, "a line says who asked for what and got what") {
  auto of = answer("/a?b", "agent \"x\"\\\n");
  of->body = body(net::buffer::make(17));
  std::string line;
  append_log_line(line, *of, "21/Nov/2026:23:00:00 +0000");
  CHECK(line == "- - - [21/Nov/2026:23:00:00 +0000] \"GET /a?b HTTP/1.1\" 200 17 \"-\" "
                "\"agent \\x22x\\x22\\x5C\\x0A\"");
}

TEST_CASE_FIXTURE(fixture, "lines are written in order, and responses pass") {
  http::log tested(values());
  tested.on_start(ctx);
  for (int i = 0; i < 10; ++i) pass(tested, answer("/" + std::to_string(i)));
  CHECK(lines_in(file) == 0);
  REQUIRE(ctx.timers.size() == 1);
  tested.on_timer(ctx, 0);
  CHECK(lines_in(file) == 10);
  const auto text = text_of(file);
  CHECK(text.find("GET /3 ") < text.find("GET /4 "));
}

TEST_CASE_FIXTURE(fixture, "an interim answer is none") {
  http::log tested(values());
  auto interim = answer("/");
  interim->status = 100;
  pass(tested, std::move(interim));
  tested.on_timer(ctx, 0);
  CHECK(lines_in(file) == 0);
}

TEST_CASE_FIXTURE(fixture, "lines that are not written go to the successor") {
  http::log before(values()), after(values());
  pass(before, answer("/before"));
  CHECK_FALSE(before.not_yet(ctx, cut_purpose::hand_over).has_value());
  test::hand_over(before, http::log::type, after, ctx);
  after.on_start(ctx);
  pass(after, answer("/after"));
  after.on_timer(ctx, 0);
  CHECK(lines_in(file) == 2);
}

TEST_CASE_FIXTURE(fixture, "its place does not end before its lines are written") {
  http::log tested(values());
  pass(tested, answer("/last"));
  CHECK(tested.not_yet(ctx, cut_purpose::removal).has_value());
  CHECK_FALSE(tested.not_yet(ctx, cut_purpose::removal).has_value());
  CHECK(lines_in(file) == 1);
}

TEST_CASE_FIXTURE(fixture, "a file that was moved away is begun anew") {
  http::log tested(values());
  pass(tested, answer("/1"));
  tested.on_timer(ctx, 0);
  fs::rename(file, folder.path() / "moved");
  pass(tested, answer("/2"));
  tested.on_timer(ctx, 0);
  CHECK(lines_in(folder.path() / "moved") == 1);
  CHECK(lines_in(file) == 1);
}

TEST_CASE_FIXTURE(fixture, "a file that has its size is moved away, and so many are kept") {
  http::log tested(values(1));
  for (int i = 0; i < 5; ++i) {
    pass(tested, answer("/" + std::to_string(i)));
    tested.on_timer(ctx, 0);
  }
  CHECK(text_of(file).find("/4") != std::string::npos);
  CHECK(text_of(file.string() + ".1").find("/3") != std::string::npos);
  CHECK(text_of(file.string() + ".2").find("/2") != std::string::npos);
  CHECK_FALSE(fs::exists(file.string() + ".3"));
}

TEST_CASE_FIXTURE(fixture, "beyond its room lines are lost, and that is told") {
  http::log tested(values(0, 200));
  for (int i = 0; i < 10; ++i) pass(tested, answer("/"));
  tested.on_timer(ctx, 0);
  CHECK(lines_in(file) < 10);
  REQUIRE(ctx.logged.size() == 1);
  CHECK(ctx.logged[0].find("lines of the access log are lost") != std::string::npos);
}

TEST_CASE_FIXTURE(fixture, "a file that cannot be written refuses the operator") {
  file = "/nowhere/access.log";
  CHECK_THROWS_WITH_AS(http::log{values()}, doctest::Contains("/nowhere/access.log"),
                       std::system_error);
}

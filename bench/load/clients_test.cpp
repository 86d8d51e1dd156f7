#include "generator.hpp"
#include "groups.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace instar::load;
using namespace std::chrono_literals;

namespace {

/// What a server does with the n-th request of all; counted from 0.
enum class act { answer, answer_and_close, announce_and_close, close };

/// Answers every GET with the body "ok"; one thread, a free port.
class server {
public:
  explicit server(act (*decide)(std::size_t)) : decide_(decide) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at_.sin_family = AF_INET;
    at_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at_;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at_), size) == 0);
    REQUIRE(::listen(listener_, 64) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at_), &size);
    thread_ = std::thread([this] { serve(); });
  }
  ~server() {
    done_ = true;
    thread_.join();
    ::close(listener_);
  }

  endpoint where() const { return {at_, "127.0.0.1", "/"}; }
  std::map<std::string, int> asked; ///< by path; read it when the load has ended

private:
  void serve() {
    std::vector<pollfd> open = {{listener_, POLLIN, 0}};
    while (!done_) {
      ::poll(open.data(), open.size(), 5);
      for (std::size_t i = open.size(); i-- > 1;)
        if (open[i].revents != 0 && !on_readable(open[i].fd)) {
          ::close(open[i].fd);
          open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        }
      if (open[0].revents != 0) open.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
    }
    for (std::size_t i = 1; i < open.size(); ++i) ::close(open[i].fd);
  }

  /// Requests are small and come one at a time: each in one piece. False: close the connection.
  bool on_readable(int fd) {
    char bytes[1024];
    auto n = ::recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    std::string_view text(bytes, static_cast<std::size_t>(n));
    ++asked[std::string(text.substr(4, text.find(' ', 4) - 4))];
    auto what = decide_(count_++);
    if (what == act::close) return false;
    std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n";
    if (what == act::announce_and_close) answer += "Connection: close\r\n";
    answer += "\r\nok";
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    return what == act::answer;
  }

  act (*decide_)(std::size_t);
  int listener_;
  sockaddr_in at_{};
  std::size_t count_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

act always(std::size_t) { return act::answer; }

run_options options_for(const server& of, std::vector<client_group> groups) {
  run_options options;
  options.server = of.where();
  options.groups = std::move(groups);
  options.duration = 300ms;
  return options;
}

void add_paths(target_set& to, const std::string& pattern, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to.add(expand(pattern, i), {});
}

} // namespace

TEST_CASE("each group asks for its own targets, and its records tell the group") {
  server peer(always);
  target_set targets("x");
  add_paths(targets, "/small/{}", 3);
  add_paths(targets, "/large/{}", 2);
  auto result = run(options_for(peer, {{2, 0, 3, {}}, {1, 3, 2, {}}}), targets, nullptr, nullptr);
  auto small = of_group(result.records, 0), large = of_group(result.records, 1);
  REQUIRE(!small.empty());
  REQUIRE(!large.empty());
  CHECK(small.size() + large.size() == result.records.size());
  int asked_small = 0, asked_large = 0;
  for (const auto& [path, count] : peer.asked)
    (path.rfind("/small/", 0) == 0 ? asked_small : asked_large) += count;
  CHECK(asked_small == static_cast<int>(small.size()));
  CHECK(asked_large == static_cast<int>(large.size()));
  std::set<std::uint16_t> clients;
  for (const auto& r : large) clients.insert(r.client);
  CHECK(clients == std::set<std::uint16_t>{2});
}

TEST_CASE("paced clients are due at their period, whatever becomes of the answers") {
  server peer([](std::size_t n) { return n % 5 == 4 ? act::close : act::answer; });
  target_set targets("x");
  add_paths(targets, "/{}", 1);
  constexpr std::int64_t period = 20'000'000;
  auto options = options_for(peer, {{4, 0, 1, std::chrono::nanoseconds(period)}});
  auto result = run(options, targets, nullptr, nullptr);
  std::map<std::uint16_t, std::vector<std::int64_t>> due;
  for (const auto& r : result.records) due[r.client].push_back(r.due - result.begin);
  REQUIRE(due.size() == 4);
  for (auto& [client, times] : due) {
    CHECK(times.size() == 15); // 300 ms at one per 20 ms
    for (std::size_t i = 0; i < times.size(); ++i)
      CHECK(times[i] == client * period / 4 + static_cast<std::int64_t>(i) * period);
  }
}

TEST_CASE("a connection that is opened again tells why it was lost") {
  server peer([](std::size_t n) {
    return n == 3    ? act::answer_and_close
           : n == 6  ? act::announce_and_close
           : n == 10 ? act::close
                     : act::answer;
  });
  target_set targets("x");
  add_paths(targets, "/{}", 1);
  // Paced, so that the end of the connection is seen before the next request is sent.
  auto options = options_for(peer, {{1, 0, 1, 40ms}});
  options.duration = 600ms;
  auto of = cut(run(options, targets, nullptr, nullptr).records, {{"all", 0, INT64_MAX}});
  CHECK(of.failed == 1);
  CHECK(of.failed_by_kind["closed"] == 1);
  CHECK(of.reopened == 3);
  CHECK(of.reopened_by_kind["idle"] == 1);
  CHECK(of.reopened_by_kind["announced"] == 1);
  CHECK(of.reopened_by_kind["failure"] == 1);
}

TEST_CASE("a group is written as text, and a wrong one is refused") {
  auto group = parse_group("small,/2kB/{5}.html,30,1000,20");
  CHECK(group.name == "small");
  CHECK(group.path == "/2kB/{5}.html");
  CHECK(group.clients == 30);
  CHECK(group.files == 1000);
  CHECK(group.period_ms == 20);
  CHECK(parse_group("a,/,1").files == 1);
  for (auto bad : {"", "a", "a,/", "a,/,0", "a,x,1", "a b,/,1", ",/,1", "a,/,1x", "a,/,-1",
                   "a,/,60001", "a,/,1,0", "a,/,1,1,0", "a,/,1,1,x", "a,/,1,1,1,1"})
    CHECK_THROWS_AS(parse_group(bad), std::runtime_error);
}

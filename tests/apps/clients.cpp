// What the clients of the services share: what they count, and how it is told.
#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"
#include "apps/clients/program.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace instar;
using namespace std::chrono_literals;
using test::client;

namespace {

/// Listens; whoever connects is taken by the test.
class listening {
public:
  listening() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(fd_, 10) == 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~listening() { ::close(fd_); }

  std::uint16_t port() const { return port_; }
  client take() const { return client(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)); }

private:
  const int fd_;
  std::uint16_t port_ = 0;
};

/// Fails as it is told.
struct counting_client final : clients::client {
  struct orders {
    std::atomic<int> opened{0}, asked{0}, closed{0};
    int fail_open = -1, fail_ask = -1;
  };
  explicit counting_client(orders& by) : by(by) {}

  void open() override {
    if (by.opened++ == by.fail_open) throw std::runtime_error("not now");
  }
  std::uint64_t ask() override {
    std::this_thread::sleep_for(1ms);
    if (by.asked++ == by.fail_ask) throw std::runtime_error("wrong answer");
    return 2;
  }
  void close() override { ++by.closed; }
  void count(clients::tally& into) const override { into.more["mine"] = 7; }

  orders& by;
};

clients::tally run(counting_client::orders& orders, std::size_t clients) {
  clients::crowd crowd(clients,
                       [&](std::size_t) { return std::make_unique<counting_client>(orders); });
  for (int i = 0; i < 5000 && crowd.seen().answers < 40; ++i) std::this_thread::sleep_for(1ms);
  return crowd.stop();
}

} // namespace

TEST_CASE("a crowd counts answers, and nothing else if all is well") {
  counting_client::orders orders;
  const auto seen = run(orders, 3);
  CHECK(seen.answers >= 40);
  CHECK(seen.answers == 2u * static_cast<unsigned>(orders.asked));
  CHECK(seen.clean());
  CHECK(seen.longest >= 1ms);
  CHECK(orders.opened == 3);
  CHECK(orders.closed == 3);
  CHECK(seen.more.at("mine") == 21);
}

TEST_CASE("a wrong answer counts as failed, and the connection after it as reopened") {
  counting_client::orders orders;
  orders.fail_ask = 5;
  const auto seen = run(orders, 1);
  CHECK(seen.failed == 1);
  CHECK(seen.reopened == 1);
  CHECK(seen.first_failure == "wrong answer");
  CHECK(orders.opened == 2);
  CHECK_FALSE(seen.clean());
}

TEST_CASE("a service that is not there yet is a failure, but the first connection is none again") {
  counting_client::orders orders;
  orders.fail_open = 0;
  const auto seen = run(orders, 1);
  CHECK(seen.failed == 1);
  CHECK(seen.reopened == 0);
  CHECK(orders.opened == 2);
}

TEST_CASE("what was seen is told as one JSON object") {
  clients::tally seen;
  seen.answers = 12;
  seen.longest = 1'234'567ns;
  seen.more["bytes"] = 5;
  seen += seen;
  const auto told = nlohmann::json::parse(clients::to_json(seen));
  CHECK(told ==
        nlohmann::json{
            {"answers", 24}, {"failed", 0}, {"reopened", 0}, {"longest_ms", 1.235}, {"bytes", 10}});
}

TEST_CASE("a connection is read by lines and by bytes, however they come") {
  const listening at;
  clients::connection here("localhost", at.port());
  const auto there = at.take();
  there.send("one\r\ntw");
  CHECK(here.line() == "one");
  std::thread later([&] {
    std::this_thread::sleep_for(20ms);
    there.send("o\n12345678\n\nrest");
    there.end();
  });
  CHECK(here.line() == "two");
  CHECK(here.read(3) == "123");
  CHECK(here.line() == "45678");
  CHECK(here.line().empty());
  CHECK_THROWS_WITH(here.expect_end(), "instead of the end came 'rest'");
  later.join();
  CHECK_NOTHROW(here.expect_end());
  CHECK_THROWS_WITH(here.read(4), "the connection was closed, 4 bytes too early");
  CHECK_THROWS(here.line());
}

TEST_CASE("the program's exit code says whether the clients noticed anything") {
  counting_client::orders orders;
  const auto code = [&](std::initializer_list<const char*> arguments) {
    std::vector<char*> list{const_cast<char*>("test-client")};
    for (const auto* one : arguments) list.push_back(const_cast<char*>(one));
    return clients::run_program(
        {.name = "test-client",
         .about = "",
         .prepare = [&](const clients::options& given) -> clients::client_maker {
           if (given.port == 9) throw std::runtime_error("nobody is there");
           return [&](std::size_t) { return std::make_unique<counting_client>(orders); };
         }},
        static_cast<int>(list.size()), list.data());
  };
  CHECK(code({"--port", "1", "--seconds", "0.05", "--json"}) == 0);
  CHECK(code({"--seconds", "1"}) == 64);
  CHECK(code({"--port", "70000"}) == 64);
  CHECK(code({"--port", "9"}) == 64);
  CHECK(code({"--port", "1", "--nonsense"}) == 64);
  orders.fail_ask = orders.asked + 2;
  CHECK(code({"--port", "1", "--seconds", "0.05", "--clients", "2", "--json"}) == 1);
}

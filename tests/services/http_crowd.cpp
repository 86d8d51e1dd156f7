// Crowds of clients, idle ones and hostile ones, against the daemon while it is updated: it goes on
// answering, and afterwards it has no more descriptors and no more memory than before.
#include "apps/program.hpp"
#include "services/site.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace instar;
using namespace instar::test;

namespace {

/// As many as there may be; returns the number.
std::size_t raise_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

/// The daemon with a folder of two files, and somebody who changes it.
class daemon_under_change {
public:
  explicit daemon_under_change(const std::string& accept) {
    write("small", pattern(2'000));
    write("large", pattern(2'000'000)); // more than a socket takes
    write("http.toml", graph(accept, 1));
    write("http-nio.toml", graph(accept, 2));
    server_ = std::make_unique<program>(
        INSTARD,
        std::vector<std::string>{"--graph", path("http.toml"), "--admin", path("admin.sock")},
        folder_.path());
    REQUIRE_MESSAGE(server_->says("ready "), server_->err());
    const auto said = server_->out();
    const auto at = said.find("listening=");
    port_ = static_cast<std::uint16_t>(std::stoi(said.substr(said.find(':', at) + 1)));
  }

  client dial(int receive_buffer = 0) const { return site::dial_to(port_, receive_buffer); }

  /// All operators but `compose` become other instances or versions.
  void change() {
    const auto n = std::to_string(++changes_ % 50);
    program ctl(INSTARCTL,
                {"apply", "--deadline", "60s",
                 path(changes_ % 2 == 1 ? "http-nio.toml" : "http.toml"), "--quiet", "--admin",
                 path("admin.sock"), "--set", "read.linger_timeout=1" + n + "s", "--set",
                 "parse.max_pipelined=7" + n, "--set", "accept.max_per_address=2" + n + "000"},
                folder_.path());
    CHECK_MESSAGE(ctl.wait(60s) == 0, ctl.err());
  }
  std::size_t descriptors() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(proc("fd")), fs::directory_iterator()));
  }
  std::size_t resident_kb() const {
    std::size_t total = 0, resident = 0;
    std::ifstream(proc("statm")) >> total >> resident;
    return resident * 4;
  }
  /// Nobody has a connection any more, and nothing else is left of anybody.
  bool is_as(std::size_t descriptors_before) const {
    for (int tries = 0; tries < 3000 && descriptors() != descriptors_before; ++tries)
      std::this_thread::sleep_for(10ms);
    return descriptors() == descriptors_before;
  }
  /// Whether it comes down to that; what the allocator gives back takes its time.
  bool comes_down_to(std::size_t kb) {
    for (int tries = 0; tries < 100 && resident_kb() > kb; ++tries) {
      change();
      std::this_thread::sleep_for(100ms);
    }
    return resident_kb() <= kb;
  }
  void stop() {
    server_->signal(SIGTERM);
    CHECK(server_->wait(60s) == 0);
  }

private:
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }
  std::string proc(const char* what) const {
    return "/proc/" + std::to_string(server_->pid()) + "/" + what;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << text;
  }
  static std::string graph(const std::string& accept, int version) {
    const auto v = std::to_string(version);
    return "[graph]\nname = 'http'\nmodules = ['" INSTAR_TEST_MODULES "']\n"
           "arcs = ['accept -> read -> parse -> load -> compose -> reply']\n[operators]\n"
           "accept = { type = 'net.accept@1', port = 0" +
           accept +
           " }\nread = { type = 'net.read@1' }\n"
           "parse = { type = 'http.parse@1', head_timeout = '1s', body_timeout = '1s' }\n"
           "load = { type = 'http.load@" +
           v +
           "', root = '.' }\n"
           "compose = { type = 'http.compose@1' }\n"
           "reply = { type = 'http.reply@" +
           v + "', write_timeout = '2s' }\n";
  }

  temporary_folder folder_;
  std::unique_ptr<program> server_;
  std::uint16_t port_ = 0;
  int changes_ = 0;
};

bool answers_small(const client& one) {
  one.send(get("/small"));
  std::string ahead;
  return body_of(receive(one, ahead)) == pattern(2'000);
}

/// Ends the connection by a reset.
void reset(client& of) {
  const linger now{1, 0};
  ::setsockopt(of.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  of.close();
}

/// Does harm in every way until it is told to stop.
void harm(const daemon_under_change& to, unsigned seed, const std::atomic<bool>& stop) {
  std::mt19937 random(seed);
  const std::string texts[] = {
      "",
      "GET",
      "GET / HTTP/1.1\r\nHost: h\r\n",
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab",
      "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n",
      get("/small"),
      get("/large"),
      get("/large") + get("/large") + get("/small"),
      get("/small", "Connection: close\r\n") + get("/small"),
      get("/small") + "garbage\r\n\r\n",
      "\x16\x03\x01\r\n\r\n",
      "GET /" + std::string(100'000, 'x'),
      "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x'),
      "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n" + std::string(100'000, 'x')};
  std::vector<client> kept; // slow ones
  while (!stop) {
    auto one = to.dial(4096);
    const auto& text = texts[random() % std::size(texts)];
    const bool drips = text.size() < 200 && random() % 2 == 0;
    try {
      if (!drips) one.send(text);
      for (std::size_t i = 0; drips && i < text.size(); ++i) one.send({&text[i], 1});
    } catch (const std::runtime_error&) { // refused meanwhile
    }
    switch (random() % 5) {
    case 0:
      reset(one);
      break;
    case 1:
      one.close();
      break;
    case 2:
      one.end();
      [[fallthrough]];
    case 3:
      kept.push_back(std::move(one));
      break;
    default:
      one.receive(1 + random() % 5000);
    }
    if (kept.size() > 50) kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(random() % 50));
  }
}

} // namespace

TEST_CASE(
    "10,000 idle connections cost others nothing, outlive updates, and leave nothing behind") {
  const auto most = raise_descriptors();
  const auto many = std::min<std::size_t>(10'000, most - 200);
  REQUIRE_MESSAGE(many >= 1'000, "only " << most << " open files; raise the limit (ulimit -Hn)");
  MESSAGE(many << " connections");
  daemon_under_change d(", max_connections = 12000, backlog = 4096");
  const auto base = d.descriptors();
  std::size_t first = 0;
  for (int round = 0; round < 3; ++round) {
    {
      const auto bystander = d.dial();
      std::vector<client> idle;
      for (std::size_t i = 0; i < many; ++i) {
        idle.push_back(d.dial());
        if (i % 2'500 == 1'000) {
          d.change();
          CHECK(answers_small(bystander));
        }
      }
      for (int i = 0; i < 2; ++i) d.change();
      CHECK(answers_small(bystander));
      std::size_t right = 0, asked = 0;
      for (std::size_t i = 0; i < idle.size(); i += 50, ++asked) right += answers_small(idle[i]);
      CHECK(right == asked);
      CHECK(d.descriptors() >= base + many);
    }
    CHECK(d.is_as(base));
    d.change();
    if (round == 0) first = d.resident_kb();
  }
  const bool flat = d.comes_down_to(first * 11 / 10 + 4'000);
  MESSAGE(first << " kB resident after the first crowd, " << d.resident_kb()
                << " kB after the third");
  CHECK(flat);
  d.stop();
}

TEST_CASE("who does harm in every way meets updates, and nobody else notices") {
  daemon_under_change d(", max_connections = 5000");
  const auto base = d.descriptors();
  std::size_t first = 0;
  for (int round = 0; round < 3; ++round) {
    std::atomic<bool> stop = false;
    std::vector<std::thread> hostile;
    for (unsigned i = 0; i < 4; ++i)
      hostile.emplace_back(
          [&, seed = i + 10 * static_cast<unsigned>(round)] { harm(d, seed, stop); });
    {
      const auto bystander = d.dial();
      for (int i = 0; i < 6; ++i) {
        d.change();
        for (int k = 0; k < 3; ++k) CHECK(answers_small(bystander));
      }
    }
    stop = true;
    for (auto& one : hostile) one.join();
    CHECK(d.is_as(base));
    d.change();
    if (round == 0) first = d.resident_kb();
  }
  const bool flat = d.comes_down_to(first * 11 / 10 + 4'000);
  MESSAGE(first << " kB resident after the first round, " << d.resident_kb()
                << " kB after the third");
  CHECK(flat);
  d.stop();
}

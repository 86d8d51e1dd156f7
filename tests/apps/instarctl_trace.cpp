#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <functional>
#include <sstream>
#include <thread>

using namespace instar::test;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::unique_ptr<program> start(const workshop& w, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "trace");
  arguments.insert(arguments.end(), {"--admin", w.socket().string()});
  return std::make_unique<program>(INSTARCTL, std::move(arguments), w.folder());
}

bool eventually(const std::function<bool()>& what) {
  for (int i = 0; i < 1000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// A client of an HTTP server that asks again and again, on one connection each time.
class requests {
public:
  explicit requests(std::uint16_t port) : port_(port), thread_([this] { run(); }) {}
  ~requests() {
    stop_ = true;
    thread_.join();
  }

private:
  void run() {
    while (!stop_) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port_);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const std::string ask = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
      char answer[4096];
      if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
          ::send(fd, ask.data(), ask.size(), MSG_NOSIGNAL) > 0)
        while (::recv(fd, answer, sizeof answer, 0) > 0) {
        }
      ::close(fd);
      std::this_thread::sleep_for(1ms);
    }
  }

  const std::uint16_t port_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

} // namespace

TEST_CASE("trace shows the packets of a live HTTP server, and leaves no trace") {
  const workshop w;
  const auto daemon = w.serve(HTTP_GRAPH, {"--set", "accept.port=0"});
  const auto said = daemon->out();
  const requests load(static_cast<std::uint16_t>(std::stoi(said.substr(said.rfind(':') + 1))));
  const auto before = w.instarctl({"graph"}).out;
  const auto plain = w.instarctl({"trace", "parse -> load", "--count", "5", "--json"});
  CHECK(plain.code == 0);
  const auto lines = lines_of(plain.out);
  REQUIRE(lines.size() == 6);
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    const auto packet = json::parse(lines[i]);
    CHECK(packet["payload"] == "http.request");
    CHECK(packet["key"] > key); // a connection each
    key = packet["key"];
    CHECK(packet["gap_ms"].is_null() == (i == 0));
  }
  const auto summary = json::parse(lines[5])["summary"];
  CHECK(summary["packets"] >= 5);
  CHECK(summary["shown"] == 5);
  CHECK(summary["dropped"] == 0);
  CHECK(w.instarctl({"graph"}).out == before);

  const auto text = w.instarctl({"trace", "load.response -> compose.response", "--for", "300ms"});
  CHECK(text.code == 0);
  CHECK(contains(text.out, " ms  key "));
  CHECK(contains(text.out, "  http.response"));
  CHECK(contains(text.out, "gaps: median "));
  CHECK(contains(text.err, "is on load.response -> compose.response; Ctrl-C takes it off"));
  CHECK(w.instarctl({"graph"}).out == before);
  CHECK(w.instarctl({"diff"}).code == 0);
  CHECK(w.instarctl({"rollback"}).code == 3); // there is nothing to go back to
}

TEST_CASE("Ctrl-C and a request to end take the operator off and tell the summary") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto before = w.instarctl({"graph"}).out;
  for (const int number : {SIGINT, SIGTERM}) {
    const auto trace = start(w, {"tick -> store"});
    CHECK(trace->says("net.buffer"));
    CHECK(w.instarctl({"graph"}).out != before);
    trace->signal(number);
    CHECK(trace->wait() == 0);
    CHECK(contains(trace->out(), "per second\n"));
    CHECK(w.instarctl({"graph"}).out == before);
  }
}

TEST_CASE("a killed instarctl leaves nothing on the arc") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto before = w.instarctl({"graph"}).out;
  const auto trace = start(w, {"tick -> store"});
  CHECK(trace->says("net.buffer"));
  trace->signal(SIGKILL);
  CHECK(eventually([&] { return w.instarctl({"graph"}).out == before; }));
}

TEST_CASE("packets are delayed and dropped on request, and told apart by key") {
  const workshop w;
  const auto daemon = w.serve(w.flow("flow.toml", 1, 1));
  const auto dropped = w.instarctl({"trace", "tick -> store", "--drop", "1", "--count", "20"});
  CHECK(dropped.code == 0);
  const auto lines = lines_of(dropped.out);
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const std::string& l) { return l.ends_with("  dropped"); }) == 20);
  CHECK(w.instarctl({"trace", "tick -> store", "--delay", "20ms", "--count", "9", "--summary"})
            .out.find("net.buffer") == std::string::npos);
  const auto none =
      w.instarctl({"trace", "tick -> store", "--key", "77", "--for", "200ms", "--json"});
  REQUIRE(lines_of(none.out).size() == 1); // all have the key 0
  CHECK(json::parse(none.out)["summary"]["packets"] > 0);
  CHECK(json::parse(none.out)["summary"]["shown"] == 0);
}

TEST_CASE("trace says what it cannot do, and why it has ended") {
  const workshop w;
  const auto file = w.flow("flow.toml", 1, 1);
  auto daemon = w.serve(file);
  const auto lost = w.instarctl({"trace", "tick -> stor"});
  CHECK(lost.code == 3);
  CHECK(contains(lost.err, "did you mean 'tick -> store'?"));
  for (const auto& wrong :
       std::vector<std::vector<std::string>>{{"trace"},
                                             {"trace", "a -> b", "--drop", "2"},
                                             {"trace", "a -> b", "--delay", "soon"},
                                             {"trace", "a -> b", "--delay", "2h"},
                                             {"trace", "a -> b", "--count", "0"}})
    CHECK(w.instarctl(wrong).code == 64);

  auto trace = start(w, {"tick -> store"});
  CHECK(trace->says("net.buffer"));
  CHECK(w.instarctl({"apply", file}).code == 0);
  CHECK(trace->wait() == 1);
  CHECK(contains(trace->err(), "its operator is off the arc: transition 3 of "));
  CHECK(contains(trace->out(), "per second\n"));

  trace = start(w, {"tick -> store"});
  CHECK(trace->says("net.buffer"));
  daemon->signal(SIGTERM);
  CHECK(daemon->wait() == 0);
  CHECK(trace->wait() == 1);
  CHECK(contains(trace->err(), "the trace has ended"));
  CHECK(contains(trace->out(), "per second\n"));

  daemon = w.serve(file);
  trace = start(w, {"tick -> store"});
  CHECK(trace->says("net.buffer"));
  daemon->signal(SIGKILL);
  CHECK(trace->wait() == 1);
  CHECK(contains(trace->err(), "the trace has ended"));

  CHECK(w.instarctl({"trace", "tick -> store"}).code == 1);
}

#include "services/exposition.hpp"
#include "workshop.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

using namespace instar::test;
using nlohmann::json;

namespace {

/// The answer to one request on a connection of its own.
std::string fetch(const std::string& address, const std::string& target) {
  const auto colon = address.rfind(':');
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  std::string got;
  const auto request = "GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char block[65536];
    for (ssize_t n = 0; (n = ::recv(fd, block, sizeof block, 0)) > 0;)
      got.append(block, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return got;
}

std::string body_of(const std::string& answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string::npos ? std::string() : answer.substr(end + 4);
}

} // namespace

TEST_CASE("the example's page tells what instarctl tells") {
  const workshop w;
  const auto daemon =
      w.serve(METRICS_GRAPH, {"--checkpoints", "saved", "--set", "accept.port=0", "--set",
                              "page-accept.port=0", "--set", "page-accept.address=127.0.0.2"});
  // "… listening=127.0.0.1:PORT,127.0.0.2:PORT"
  const auto said = daemon->out();
  const auto at = said.find("listening=") + 10, comma = said.find(',', at);
  REQUIRE(comma != std::string::npos);
  const auto site = said.substr(at, comma - at);
  const auto page = said.substr(comma + 1, said.find_first_of(" \n", comma) - comma - 1);
  for (int i = 0; i < 5; ++i) CHECK(fetch(site, "/").starts_with("HTTP/1.1 200"));

  for (const auto* version : {"2", "1", "2"}) {
    const auto v = std::string(version);
    CHECK(w.instarctl({"update", "load=http.load@" + v, "reply=http.reply@" + v}).code == 0);
  }
  CHECK(w.instarctl({"update", "reply=http.reply@1"}).code == 3); // would not fit
  CHECK(w.instarctl({"checkpoint"}).code == 0);

  const auto answer = fetch(page, "/metrics");
  CHECK(answer.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n") !=
        std::string::npos);
  const exposition seen(body_of(answer));
  for (const auto& m : seen.mistakes) FAIL_CHECK(m);
  CHECK(fetch(page, "/").starts_with("HTTP/1.1 404"));

  const auto history = json::parse(w.instarctl({"history", "--json"}).out);
  for (const std::string outcome : {"committed", "refused", "rolled back", "unchanged"}) {
    double count = 0;
    for (const auto& entry : history) count += entry["outcome"] == outcome;
    CHECK(seen.value("instar_transitions_total", {{"outcome", outcome}}) == count);
  }
  const auto status = json::parse(w.instarctl({"status", "--json"}).out);
  CHECK(seen.value("instar_epoch") == status["epoch"].get<double>());
  for (const auto& op : status["operators"]) {
    const std::string type = op["type"], name = op["name"];
    CHECK(seen.value("instar_operator_info", {{"operator", name},
                                              {"type", type.substr(0, type.find('@'))},
                                              {"version", type.substr(type.find('@') + 1)}}) == 1);
  }
  CHECK(seen.sum("instar_http_requests_total", {{"operator", "meter"}, {"code", "2xx"}}) == 5);
  CHECK(seen.value("instar_operator_packets_in_total", {{"operator", "load"}}) == 5);
  CHECK(seen.value("instar_checkpoint_size_bytes") > 0);
  CHECK(seen.value("instar_modules_stuck_total") == 0);
#ifdef WITH_JEMALLOC
  CHECK(seen.value("instar_jemalloc_allocated_bytes") > 0);
  CHECK(seen.value("instar_jemalloc_resident_bytes") >=
        seen.value("instar_jemalloc_allocated_bytes"));
#else
  CHECK(seen.value("instar_jemalloc_allocated_bytes") == -1);
#endif
}

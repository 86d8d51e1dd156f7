#pragma once

#include "actors/graph_file.hpp"
#include "apps/clients/crowd.hpp"
#include "apps/instard/listening.hpp"
#include "lifecycle/service.hpp"
#include "services/sockets.hpp"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace instar::test {

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761u >> 11);
  return text;
}

/// A service whose operators block, from the real modules, in this process. Its graph comes as the
/// text of a graph file, without the `[graph]` table's name and modules.
class blocking_site {
public:
  explicit blocking_site(const std::string& graph_text) {
    service_.on_end([this](std::string why) { ended_.set_value(std::move(why)); });
    const auto started = apply(graph_text);
    REQUIRE_MESSAGE(started.outcome == transition_outcome::committed, started.reason);
  }

  history_entry apply(const std::string& graph_text, std::chrono::nanoseconds deadline = limit) {
    return wait_for([&](auto done) {
      service_.apply({parsed(graph_text), "test", deadline}, std::move(done));
    });
  }
  history_entry update(std::vector<operator_update> what,
                       std::chrono::nanoseconds deadline = limit) {
    return wait_for(
        [&](auto done) { service_.update(std::move(what), "test", deadline, std::move(done)); });
  }
  history_entry stop() {
    return wait_for([&](auto done) { service_.stop("test", limit, std::move(done)); });
  }

  /// Waits until it ends by itself.
  std::string why_ended() {
    auto ended = ended_.get_future();
    REQUIRE(ended.wait_for(limit) == std::future_status::ready);
    return ended.get();
  }

  /// Where it listens. It has to be the only one in this process that does.
  std::uint16_t port() {
    const auto all = instard::listening_addresses();
    REQUIRE(all.size() == 1);
    return static_cast<std::uint16_t>(std::stoul(all[0].substr(all[0].rfind(':') + 1)));
  }
  client dial(int receive_buffer = 0) {
    const auto to_port = port();
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer > 0)
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(to_port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd);
      throw std::runtime_error("nobody listens");
    }
    return client(fd);
  }

private:
  static constexpr std::chrono::seconds limit{10};

  template <class Begin>
  history_entry wait_for(Begin begin) {
    std::promise<history_entry> ended;
    begin([&](history_entry e) { ended.set_value(std::move(e)); });
    return ended.get_future().get();
  }
  static graph parsed(const std::string& text) {
    auto file =
        parse_graph("[graph]\nname = 'test'\nmodules = ['" INSTAR_TEST_MODULES "']\n" + text,
                    std::filesystem::temp_directory_path() / "test.toml");
    for (const auto& m : file.mistakes) FAIL_CHECK(m.message);
    return std::move(file.content);
  }

  std::promise<std::string> ended_; // goes after the service, which may call it
  service service_{service_options{}};
};

/// Updates each of the operators alone, then all of them at once, each time to the other of its
/// versions 1 and 2, and so on, `times` in all. Between two updates each client gets an answer.
/// At last nobody may have noticed anything.
inline void update_to_and_fro(blocking_site& site, std::vector<operator_update> operators,
                              std::size_t times, clients::crowd& crowd) {
  for (auto& one : operators) one.version = 1;
  const auto settle = [&] {
    const auto before = crowd.seen_by_each();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const auto all_answered = [&] {
      const auto now = crowd.seen_by_each();
      for (std::size_t i = 0; i < now.size(); ++i)
        if (now[i].answers == before[i].answers) return false;
      return true;
    };
    while (!all_answered()) {
      REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, "clients get no answers");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  settle();
  for (std::size_t i = 0; i < times; ++i) {
    std::vector<operator_update> now;
    const auto turn = i % (operators.size() + 1);
    for (std::size_t n = 0; n < operators.size(); ++n) {
      if (turn != n && turn != operators.size()) continue;
      operators[n].version = 3 - operators[n].version;
      now.push_back(operators[n]);
    }
    const auto done = site.update(now);
    CAPTURE(i);
    CHECK_MESSAGE(done.outcome == transition_outcome::committed, done.reason);
    settle();
  }
  const auto seen = crowd.stop();
  CHECK_MESSAGE(seen.failed == 0, seen.first_failure);
  CHECK(seen.reopened == 0);
  MESSAGE(clients::to_text(seen));
}

} // namespace instar::test

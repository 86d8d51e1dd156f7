// Which reactor handles readiness for less: Boost.Asio, re-armed per readiness as its interface
// demands when operators do the reading, or an edge-triggered epoll that is armed once.
//
// 30 TCP pairs over loopback. A round makes all of them readable and then times how long it takes
// until each was reported and read. One thread, so no scheduling is measured.

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <CLI/CLI.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t pairs = 30;
constexpr std::size_t message = 100; // about a GET request

/// Connected sockets; the near ones are what a server would watch.
struct sockets {
  asio::io_context io;
  std::vector<tcp::socket> near, far;

  sockets() {
    tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    for (std::size_t i = 0; i < pairs; ++i) {
      far.emplace_back(io).connect(acceptor.local_endpoint());
      near.push_back(acceptor.accept());
      near.back().native_non_blocking(true);
      far.back().set_option(tcp::no_delay(true));
    }
  }

  void make_all_readable() {
    std::array<char, message> bytes{};
    for (auto& s : far)
      if (::send(s.native_handle(), bytes.data(), bytes.size(), 0) != message)
        throw std::runtime_error("loopback socket refused 100 bytes");
  }
};

void read_one(int fd, std::size_t& handled) {
  std::array<char, 4096> bytes;
  if (::recv(fd, bytes.data(), bytes.size(), 0) == message) ++handled;
}

class asio_side {
public:
  asio_side() {
    for (auto& s : all_.near) arm(s);
    all_.io.poll(); // registers them
  }
  void make_all_readable() { all_.make_all_readable(); }
  void handle_all() {
    for (handled_ = 0; handled_ < pairs;) all_.io.run_one();
  }

private:
  void arm(tcp::socket& s) {
    s.async_wait(tcp::socket::wait_read, [this, &s](const boost::system::error_code& error) {
      if (error) return;
      read_one(s.native_handle(), handled_);
      arm(s);
    });
  }

  sockets all_;
  std::size_t handled_ = 0;
};

class epoll_side {
public:
  epoll_side() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (auto& s : all_.near) {
      epoll_event interest{};
      interest.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
      interest.data.fd = s.native_handle();
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, s.native_handle(), &interest) != 0)
        throw std::runtime_error("epoll_ctl failed");
    }
  }
  epoll_side(const epoll_side&) = delete;
  epoll_side& operator=(const epoll_side&) = delete;
  ~epoll_side() { ::close(epoll_); }

  void make_all_readable() { all_.make_all_readable(); }
  void handle_all() {
    std::array<epoll_event, 128> events; // as many as Asio asks for at once
    for (std::size_t handled = 0; handled < pairs;) {
      int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i)
        read_one(events[static_cast<std::size_t>(i)].data.fd, handled);
    }
  }

private:
  sockets all_;
  int epoll_;
};

template <class Side>
double events_per_s(Side& side, std::size_t rounds) {
  std::chrono::steady_clock::duration took{0};
  for (std::size_t i = 0; i < rounds; ++i) {
    side.make_all_readable();
    auto begin = std::chrono::steady_clock::now();
    side.handle_all();
    took += std::chrono::steady_clock::now() - begin;
  }
  return static_cast<double>(rounds * pairs) / std::chrono::duration<double>(took).count();
}

} // namespace

int main(int argc, char** argv) {
  int repetitions = 5;
  std::size_t rounds = 10'000;
  CLI::App app("Boost.Asio against epoll; prints 'figure value' per sample");
  app.add_option("--repetitions", repetitions)->check(CLI::Range(1, 1000));
  app.add_option("--rounds", rounds)->check(CLI::Range(10, 10'000'000));
  CLI11_PARSE(app, argc, argv);
  try {
    asio_side with_asio;
    epoll_side with_epoll;
    std::cout.precision(8);
    for (int i = 0; i < repetitions; ++i) {
      auto a = events_per_s(with_asio, rounds), e = events_per_s(with_epoll, rounds);
      std::cout << "reactor_asio_events_per_s " << a << "\nreactor_epoll_events_per_s " << e
                << "\nreactor_asio_vs_epoll_ratio " << a / e << "\n";
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "bench-reactor: " << error.what() << "\n";
    return 1;
  }
}

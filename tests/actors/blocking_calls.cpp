#include <doctest/doctest.h>

#include "actors/bytes.hpp"
#include "actors/descriptors.hpp"
#include "driven_operator.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <system_error>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

/// Two ends of a socket or a pipe; what is written to the second is read from the first.
struct ends {
  explicit ends(bool pipe = false) {
    int made[2];
    if (pipe) REQUIRE(::pipe2(made, O_CLOEXEC) == 0);
    else REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made) == 0);
    in = made[0];
    out = made[1];
  }
  ~ends() {
    ::close(in);
    close_out();
  }
  void close_out() {
    if (out >= 0) ::close(std::exchange(out, -1));
  }
  /// So that whoever writes has to wait.
  void fill() const {
    const int flags = ::fcntl(out, F_GETFL);
    ::fcntl(out, F_SETFL, flags | O_NONBLOCK);
    const std::string much(4096, 'x');
    while (::write(out, much.data(), much.size()) > 0) {
    }
    while (::write(out, "x", 1) > 0) {
    }
    ::fcntl(out, F_SETFL, flags);
  }
  /// Of what was filled.
  void drain() const {
    char block[65536];
    pollfd there{in, POLLIN, 0};
    while (::poll(&there, 1, 0) > 0 && ::read(in, block, sizeof block) > 0) {
    }
  }

  int in = -1, out = -1;
};

/// Listens; the client is no socket of the test's until `fill`.
struct listening {
  explicit listening(int backlog = 8) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(fd, address(), size) == 0);
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    REQUIRE(::listen(fd, backlog) == 0);
  }
  ~listening() {
    for (const int client : clients) ::close(client);
    ::close(fd);
  }
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&at); }
  void dial() {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(clients.back(), address(), sizeof at);
  }
  /// So that whoever connects has to wait.
  void fill() {
    for (int i = 0; i < 8; ++i) dial();
    std::this_thread::sleep_for(10ms);
  }
  void take_some() const {
    pollfd there{fd, POLLIN, 0};
    while (::poll(&there, 1, 0) > 0) ::close(::accept(fd, nullptr, nullptr));
  }

  int fd;
  sockaddr_in at{};
  std::vector<int> clients;
};

std::span<std::byte> bytes_of(char& c) { return std::as_writable_bytes(std::span(&c, 1)); }
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

packet text_packet(std::string text) { return {make_payload<bytes>(std::move(text)), 0}; }
std::string text_of(const packet& p) { return std::string(p.as<bytes>().text()); }

std::string pattern(std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i) made[i] = static_cast<char>(i * 2654435761u >> 13);
  return made;
}

/// Writes a pattern in pieces of any size, now faster and now slower than who reads.
class endless_writer {
public:
  explicit endless_writer(ends& to) : to_(to), thread_([this] { run(); }) {}
  ~endless_writer() { stop(); }
  /// Returns how much was written.
  std::size_t stop() {
    ends_ = true;
    ::shutdown(to_.out, SHUT_WR); // also if nobody reads
    if (thread_.joinable()) thread_.join();
    return written_;
  }

private:
  void run() {
    std::mt19937 random(1);
    std::string piece;
    while (!ends_) {
      piece.resize(1 + random() % 600);
      for (std::size_t i = 0; i < piece.size(); ++i)
        piece[i] = static_cast<char>((written_ + i) * 2654435761u >> 13);
      const auto n = ::send(to_.out, piece.data(), piece.size(), MSG_NOSIGNAL);
      if (n < 0) return;
      written_ += static_cast<std::size_t>(n);
      if (random() % 2) std::this_thread::sleep_for(std::chrono::microseconds(random() % 800));
    }
  }

  ends& to_;
  std::atomic<bool> ends_{false};
  std::size_t written_ = 0;
  std::thread thread_;
};

/// A call that waits: interrupted it has done nothing, and the successor's call does it.
void check_call(const char* name, const scripted_blocking::work& call,
                const std::function<void(driven_operator&)>& let) {
  CAPTURE(name);
  std::atomic<int> entered{0}, done{0};
  const auto run = [&](blocking_context& ctx) {
    ++entered;
    call(ctx);
    ++done;
  };
  constexpr std::pair<cut_purpose, rest_place> ways[] = {
      {cut_purpose::hand_over, rest_place::out_of_run},
      {cut_purpose::hand_over, rest_place::where_it_waits},
      {cut_purpose::removal, rest_place::out_of_run},
      {cut_purpose::removal, rest_place::where_it_waits}};
  for (const auto& [purpose, place] : ways) {
    const int before = entered;
    driven_operator old(run, place);
    REQUIRE(old.until([&] { return entered > before; }));
    std::this_thread::sleep_for(5ms);
    CHECK(old.rests(purpose));
    CHECK(old.nothing_set());
    CHECK(done == 0);
    // Rolled back it is the same instance that goes on.
    const int first = entered;
    old.go_on();
    REQUIRE(old.until([&] { return entered > first; }));
    CHECK(old.rests());
    CHECK(done == 0);
  }
  const int before = entered;
  driven_operator next(run);
  REQUIRE(next.until([&] { return entered > before; }));
  std::this_thread::sleep_for(5ms); // so that it waits
  CHECK(next.until([&] {
    let(next);
    return done == 1;
  }));
}

} // namespace

TEST_CASE("a read that waits is interrupted before anything was taken") {
  for (const bool pipe : {false, true}) {
    ends both(pipe);
    char got = 0;
    bool written = false;
    check_call(
        pipe ? "read of a pipe" : "read of a socket",
        [&](blocking_context& ctx) {
          const auto n = ctx.read(both.in, bytes_of(got));
          CHECK(n == 1);
        },
        [&](driven_operator&) {
          if (!std::exchange(written, true)) CHECK(::write(both.out, "!", 1) == 1);
        });
    CHECK(got == '!');
  }
}

TEST_CASE("a write that waits is interrupted before anything was written") {
  for (const bool pipe : {false, true}) {
    ends both(pipe);
    both.fill();
    check_call(
        pipe ? "write to a pipe" : "write to a socket",
        [&](blocking_context& ctx) {
          const auto n = ctx.write(both.out, bytes_of("!"));
          CHECK(n == 1);
        },
        [&](driven_operator&) { both.drain(); });
  }
}

TEST_CASE("accept and connect are interrupted, and go on with the successor") {
  listening at;
  int accepted = -1;
  check_call(
      "accept", [&](blocking_context& ctx) { accepted = ctx.accept(at.fd); },
      [&](driven_operator&) {
        if (at.clients.empty()) at.dial();
      });
  CHECK((::fcntl(accepted, F_GETFD) & FD_CLOEXEC) != 0);
  ::close(accepted);

  listening full(0);
  full.fill();
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check_call(
      "connect", [&](blocking_context& ctx) { ctx.connect(fd, full.address(), sizeof full.at); },
      [&](driven_operator&) { full.take_some(); });
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
  ::close(fd);
}

TEST_CASE("poll is interrupted, and ends with a descriptor, a packet or the time") {
  ends both;
  bool written = false;
  check_call(
      "poll of a descriptor",
      [&](blocking_context& ctx) {
        pollfd one[] = {{both.in, POLLIN, 0}};
        const auto ready = ctx.poll(one);
        CHECK(ready.descriptors == 1);
        CHECK_FALSE(ready.packet);
        CHECK(one[0].revents == POLLIN);
      },
      [&](driven_operator&) {
        if (!std::exchange(written, true)) CHECK(::write(both.out, "!", 1) == 1);
      });
  bool given = false;
  ends quiet;
  check_call(
      "poll for a packet",
      [&](blocking_context& ctx) {
        pollfd one[] = {{quiet.in, POLLIN, 0}};
        const auto ready = ctx.poll(one, std::nullopt, true);
        CHECK(ready.descriptors == 0);
        CHECK(ready.packet);
        const auto got = ctx.receive();
        CHECK(text_of(got.what) == "one");
      },
      [&](driven_operator& op) {
        if (!std::exchange(given, true)) op.activate({{0, text_packet("one")}});
      });
  std::atomic<bool> soon{false};
  check_call(
      "poll for a while",
      [&](blocking_context& ctx) {
        pollfd one[] = {{quiet.in, POLLIN, 0}};
        const auto ready = ctx.poll(one, soon ? 1ms : std::chrono::milliseconds(1h));
        CHECK(ready.descriptors == 0);
        soon = false;
      },
      [&](driven_operator& op) {
        if (soon) return;
        CHECK(op.rests());
        soon = true;
        op.go_on();
      });
}

TEST_CASE("receive waits for packets, and for no longer than it should") {
  bool given = false;
  std::size_t port = 0;
  check_call(
      "receive",
      [&](blocking_context& ctx) {
        auto got = ctx.receive();
        port = got.port;
        CHECK(text_of(got.what) == "two");
      },
      [&](driven_operator& op) {
        if (!std::exchange(given, true)) op.activate({{2, text_packet("two")}});
      });
  CHECK(port == 2);
  driven_operator op([&](blocking_context& ctx) {
    const auto begin = std::chrono::steady_clock::now();
    const auto got = ctx.receive_until(begin + 2ms);
    CHECK_FALSE(got);
    CHECK(std::chrono::steady_clock::now() >= begin + 2ms);
    ctx.log(log_level::info, "waited");
  });
  CHECK(op.until([&] { return op.logged.size() == 1; }));
}

TEST_CASE("sleeping, waiting for a lock and for a condition are interrupted") {
  std::atomic<bool> long_ago{false};
  check_call(
      "sleep",
      [&](blocking_context& ctx) { ctx.sleep_for(long_ago ? 1ns : std::chrono::nanoseconds(1h)); },
      [&](driven_operator& op) {
        if (long_ago.exchange(true)) return;
        CHECK(op.rests());
        op.go_on();
      });

  std::mutex guard;
  std::unique_lock held(guard);
  check_call(
      "lock",
      [&](blocking_context& ctx) {
        ctx.lock(guard);
        guard.unlock();
      },
      [&](driven_operator&) {
        if (held) held.unlock();
      });

  std::condition_variable_any changed;
  bool ready = false;
  check_call(
      "wait",
      [&](blocking_context& ctx) {
        std::unique_lock mine(guard);
        try {
          ctx.wait(mine, changed, [&] { return ready; });
        } catch (const interrupted&) {
          CHECK(mine.owns_lock());
          throw;
        }
        CHECK(mine.owns_lock());
      },
      [&](driven_operator&) {
        {
          std::lock_guard mine(guard);
          ready = true;
        }
        changed.notify_all();
      });
}

TEST_CASE("plain code is interrupted by EINTR, again and again") {
  ends both(true);
  std::atomic<int> refused{0};
  bool written = false;
  check_call(
      "plain read",
      [&](blocking_context& ctx) {
        for (;;) {
          char c = 0;
          // Code that gives up only when it was interrupted three times.
          const auto got = ctx.plain([&] {
            long n = -1;
            for (int i = 0; i < 3 && n < 0; ++i)
              if ((n = ::read(both.in, &c, 1)) < 0) {
                CHECK(errno == EINTR);
                ++refused;
              }
            return n;
          });
          if (got == 1) return;
          ctx.rest_point();
        }
      },
      [&](driven_operator&) {
        if (!std::exchange(written, true)) CHECK(::write(both.out, "!", 1) == 1);
      });
  CHECK(refused >= 3);
}

TEST_CASE("a read that is interrupted a thousand times loses no byte") {
  ends both;
  endless_writer writer(both);
  struct {
    std::array<std::byte, 333> part{};
    std::size_t have = 0;
    std::string got;
    bool ended = false;
  } state; // what a real operator saves and restores
  const auto run = [&](blocking_context& ctx) {
    while (!state.ended) {
      state.ended = !ctx.read_all(both.in, state.part, state.have);
      state.got.append(reinterpret_cast<const char*>(state.part.data()), state.have);
      state.have = 0;
    }
  };
  std::mt19937 random(2);
  for (int interrupted = 0; interrupted < 2000;) {
    driven_operator op(run,
                       interrupted % 8 == 0 ? rest_place::where_it_waits : rest_place::out_of_run);
    for (int i = 0; i < 4; ++i, ++interrupted) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 100));
      REQUIRE(op.rests());
      if (i < 3) op.go_on();
    }
  }
  const auto sent = writer.stop();
  driven_operator last(run);
  CHECK(last.until([&] { return last.rests() && (state.ended || (last.go_on(), false)); }));
  CHECK(state.got == pattern(sent));
  CHECK(sent > 1000);
}

TEST_CASE("a write that is interrupted again and again writes every byte once") {
  ends both;
  const auto sent = pattern(2'000'000);
  std::string got;
  std::thread reader([&] {
    char block[5000];
    for (long n = 0; (n = ::read(both.in, block, sizeof block)) > 0;) {
      got.append(block, static_cast<std::size_t>(n));
      if (got.size() % 7 == 0) std::this_thread::sleep_for(50us);
    }
  });
  std::size_t done = 0;
  {
    driven_operator op(
        [&](blocking_context& ctx) { ctx.write_all(both.out, bytes_of(sent), done); },
        rest_place::where_it_waits);
    while (true) {
      REQUIRE(op.rests());
      if (done == sent.size()) break;
      op.go_on();
      std::this_thread::yield();
    }
  }
  both.close_out();
  reader.join();
  CHECK(got == sent);
}

TEST_CASE("errors of the system are thrown, and nobody is killed by SIGPIPE") {
  for (const bool pipe : {false, true}) {
    ends both(pipe);
    ::close(std::exchange(both.in, -1));
    std::atomic<int> error{0};
    driven_operator op([&](blocking_context& ctx) {
      try {
        ctx.write(both.out, bytes_of("!"));
      } catch (const std::system_error& e) {
        error = e.code().value();
      }
    });
    CHECK(op.until([&] { return error != 0; }));
    CHECK(error == EPIPE);
  }
  std::atomic<int> refused{0};
  listening at;
  const auto nobody = at.at;
  ::shutdown(at.fd, SHUT_RDWR);
  driven_operator op([&](blocking_context& ctx) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    try {
      ctx.connect(fd, reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody);
    } catch (const std::system_error& e) {
      refused = e.code().value();
    }
    ::close(fd);
  });
  CHECK(op.until([&] { return refused != 0; }));
  CHECK(refused == ECONNREFUSED);
}

TEST_CASE("a descriptor is found by its number while somebody has it") {
  auto all = std::make_unique<descriptors>();
  ends both;
  auto held = all->hold(::dup(both.in));
  const auto id = held->id();
  CHECK(id != 0);
  CHECK(all->find(id) == held);
  CHECK(all->find(id + 1) == nullptr);
  CHECK(all->hold(::dup(both.in))->id() != id);
  CHECK(all->size() == 1);
  const int fd = held->fd();
  held = nullptr;
  CHECK(::fcntl(fd, F_GETFD) == -1);
  CHECK(all->find(id) == nullptr);
  auto longer = all->hold(::dup(both.in));
  all = nullptr;
  CHECK(::fcntl(longer->fd(), F_GETFD) != -1);
  CHECK(descriptors().hold(::dup(both.in))->id() != descriptors().hold(::dup(both.in))->id());
}

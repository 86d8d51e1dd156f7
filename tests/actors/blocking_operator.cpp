#include <doctest/doctest.h>

#include "actors/bytes.hpp"
#include "actors/call_stack.hpp"
#include "driven_operator.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <set>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

packet text_packet(std::string text) { return {make_payload<bytes>(std::move(text)), 0}; }
std::string text_of(const packet& p) { return std::string(p.as<bytes>().text()); }

std::vector<std::pair<std::size_t, packet>> packets(int from, int to) {
  std::vector<std::pair<std::size_t, packet>> made;
  for (int i = from; i < to; ++i) made.emplace_back(0, text_packet(std::to_string(i)));
  return made;
}

std::vector<std::string> texts(const std::vector<std::pair<std::size_t, packet>>& of) {
  std::vector<std::string> made;
  for (const auto& one : of) made.push_back(text_of(one.second));
  return made;
}

std::vector<std::string> numbers(int from, int to) {
  std::vector<std::string> made;
  for (int i = from; i < to; ++i) made.push_back(std::to_string(i));
  return made;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

struct ends {
  ends() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0); }
  ~ends() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  int in() const { return fds[0]; }
  void write() const { CHECK(::write(fds[1], "!", 1) == 1); }
  int fds[2]{};
};

struct thing {
  static constexpr std::string_view resource_name = "test.thing";
  int number = 42;
};
struct nothing {
  static constexpr std::string_view resource_name = "test.nothing";
};

/// Knows of no wrapper, and goes on whatever interrupts it.
[[gnu::noinline]] char stuck_here(int fd) {
  char c = 0;
  while (::read(fd, &c, 1) < 0) {
  }
  return c;
}

} // namespace

TEST_CASE("the thread works in its operator's name, and gets no signals of the process") {
  std::atomic<bool> done{false};
  std::string name, known;
  epoch_t epoch = 0;
  sigset_t blocked;
  int resource = 0;
  thing offered;
  driven_operator op([&](blocking_context& ctx) {
    if (!done) {
      ctx.receive();
      char text[16];
      pthread_getname_np(pthread_self(), text, sizeof text);
      pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
      name = text;
      known = ctx.name();
      epoch = ctx.epoch();
      resource = ctx.host<thing>().number;
      CHECK_THROWS_AS(ctx.host<nothing>(), std::runtime_error);
      ctx.stop_service("enough");
      done = true;
    }
  });
  op.offers.emplace("test.thing", &offered);
  op.activate(packets(0, 1));
  CHECK(op.until([&] { return op.stopped == "enough"; }));
  CHECK(name == "an operator wit");
  CHECK(known == "an operator with a long name");
  CHECK(epoch == 7);
  CHECK(resource == 42);
  for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1})
    CHECK(sigismember(&blocked, s) == 1);
  CHECK(sigismember(&blocked, SIGSEGV) == 0);
}

TEST_CASE("packets come in order, and what is emitted leaves in order") {
  driven_operator op([](blocking_context& ctx) {
    for (;;) {
      auto got = ctx.receive();
      ctx.emit_packet(got.port, std::move(got.what));
    }
  });
  for (int i = 0; i < 2000; i += 40) op.activate(packets(i, i + 40));
  CHECK(op.until([&] { return op.emitted.size() == 2000; }));
  CHECK(texts(op.emitted) == numbers(0, 2000));
}

TEST_CASE("who waits for its thread has no room for more than a thousand packets") {
  std::atomic<bool> takes{false};
  std::atomic<int> got{0};
  driven_operator op([&](blocking_context& ctx) {
    while (!takes) ctx.sleep_for(1ms);
    for (;;) {
      ctx.receive();
      ++got;
    }
  });
  op.activate(packets(0, 1023));
  CHECK(op.kept == context::keeping::nothing);
  op.activate(packets(1023, 1024));
  CHECK(op.kept == context::keeping::no_room);
  op.activate(packets(1024, 1100)); // that a marker has come behind
  CHECK(op.kept == context::keeping::no_room);
  takes = true;
  CHECK(op.until([&] { return op.kept == context::keeping::nothing; }));
  CHECK(op.until([&] { return got == 1100; }));
}

TEST_CASE("emit waits until what was sent before has left, but not when the thread is to rest") {
  std::atomic<int> sent{0};
  driven_operator op([&](blocking_context& ctx) {
    for (;;) {
      ctx.rest_point();
      ctx.emit_packet(0, text_packet(std::to_string(sent)));
      ++sent;
    }
  });
  while (sent < 256) std::this_thread::yield();
  std::this_thread::sleep_for(20ms); // nobody takes anything
  CHECK(sent == 256);
  CHECK(op.ask_blocked());
  while (sent == 256) std::this_thread::yield();
  CHECK(op.ask_blocked()); // what was sent has not left
  op.go_on();
  op.activate();
  CHECK(op.until([&] { return sent > 1000; }));
  CHECK(op.rests());
  CHECK(texts(op.emitted) == numbers(0, sent));
}

TEST_CASE("what is sent on the way to the cut leaves before it") {
  std::atomic<int> entered{0};
  driven_operator op([&](blocking_context& ctx) {
    try {
      ++entered;
      ctx.receive();
    } catch (const interrupted&) {
      ctx.emit_packet(0, text_packet("last"));
      throw;
    }
  });
  for (std::size_t i = 1; i <= 500; ++i) {
    REQUIRE(op.until([&] { return entered == static_cast<int>(i); }));
    REQUIRE(op.rests());
    REQUIRE(op.emitted.size() == i);
    op.go_on();
  }
}

TEST_CASE("packets that wait at the cut are left over, oldest first") {
  std::vector<std::string> taken, kept;
  std::atomic<int> got{0};
  driven_operator op([&](blocking_context& ctx) {
    while (got < 2) {
      taken.push_back(text_of(ctx.receive().what));
      ++got;
    }
    ctx.sleep_for(1h);
  });
  op.op().keeps = [&](std::size_t, packet& p, bool removed) {
    CHECK_FALSE(removed);
    kept.push_back(text_of(p));
    return true;
  };
  op.activate(packets(0, 10));
  REQUIRE(op.until([&] { return got == 2; }));
  CHECK(op.rests());
  CHECK(taken == numbers(0, 2));
  CHECK(kept == numbers(2, 10));
  CHECK(op.rests()); // asked once more, nothing is left over twice
  CHECK(kept == numbers(2, 10));
}

TEST_CASE("without a place for them the thread takes all packets before it rests") {
  std::vector<std::string> taken;
  driven_operator op([&](blocking_context& ctx) {
    for (;;) {
      auto got = ctx.receive();
      taken.push_back(text_of(got.what));
      ctx.emit_packet(0, std::move(got.what));
    }
  });
  op.activate(packets(0, 500));
  CHECK(op.rests());
  CHECK(taken == numbers(0, 500));
  CHECK(texts(op.emitted) == numbers(0, 500));
}

TEST_CASE("a thread rests when markers are sent, what comes before its cut waits for it") {
  std::atomic<int> runs{0}, got{0};
  std::atomic<bool> sleeps{false};
  driven_operator op([&](blocking_context& ctx) {
    ++runs;
    for (;;) {
      while (sleeps) ctx.sleep_for(1ms);
      ctx.receive();
      ++got;
    }
  });
  std::vector<std::string> kept;
  op.op().keeps = [&](std::size_t, packet& p, bool) {
    kept.push_back(text_of(p));
    return true;
  };
  REQUIRE(op.until([&] { return runs == 1; }));
  op.cut_ahead();
  REQUIRE(op.until([&] { return op.nothing_set(); }));
  op.activate(packets(0, 10));
  std::this_thread::sleep_for(20ms);
  CHECK(got == 0);
  CHECK_FALSE(op.ask()); // at once
  CHECK(kept == numbers(0, 10));
  op.go_on();
  op.activate(packets(0, 10));
  CHECK(op.until([&] { return got == 10; }));
  CHECK(runs == 2);

  // It goes on while there is no room, so that those before it come to their cuts; then it rests.
  const auto seen = [&] { return got + static_cast<int>(kept.size()); };
  op.cut_ahead();
  op.activate(packets(10, 1500));
  CHECK(op.until([&] { return got >= 10 + 1024; }));
  CHECK(op.rests());
  CHECK(seen() == 10 + 1500);
  op.activate(packets(0, 3));
  const int taken = got;
  CHECK(op.rests());
  CHECK(got == taken);
  CHECK(seen() == 10 + 1500 + 3);
  // There was no room before.
  sleeps = true;
  const int before = runs;
  op.go_on();
  REQUIRE(op.until([&] { return runs > before; }));
  op.activate(packets(0, 1500));
  op.cut_ahead();
  sleeps = false;
  CHECK(op.until([&] { return got >= taken + 1024; }));
  CHECK(op.rests());
  CHECK(seen() == 10 + 1500 + 3 + 1500);
}

TEST_CASE("whoever is removed finishes what it need not wait for") {
  ends both;
  std::atomic<bool> entered{false};
  driven_operator op([&](blocking_context& ctx) {
    for (;;) {
      entered = true;
      const auto text = text_of(ctx.receive().what);
      std::size_t done = 0;
      ctx.write_all(both.in(), std::as_bytes(std::span(text.data(), text.size())), done);
    }
  });
  op.op().keeps = [&](std::size_t, packet&, bool removed) {
    CHECK(removed);
    return true; // and so is lost
  };
  REQUIRE(op.until([&] { return entered.load(); }));
  op.activate(packets(0, 100));
  CHECK(op.rests(cut_purpose::removal));
  char block[1000];
  const auto size = ::recv(both.fds[1], block, sizeof block, MSG_DONTWAIT);
  std::string wanted;
  for (const auto& n : numbers(0, 100)) wanted += n;
  CHECK(std::string(block, static_cast<std::size_t>(std::max(0L, size))) == wanted);
}

TEST_CASE("what run throws is thrown in the actor's next call, and the packets stay") {
  std::vector<std::string> taken;
  std::atomic<int> runs{0};
  driven_operator op([&](blocking_context& ctx) {
    ++runs;
    for (;;) {
      taken.push_back(text_of(ctx.receive().what));
      if (taken.back() == "3") throw std::invalid_argument("three");
    }
  });
  op.activate(packets(0, 10));
  CHECK(op.until([&] { return runs == 2; }));
  op.activate(packets(10, 12));
  CHECK(op.rests());
  CHECK(op.thrown == std::vector<std::string>{"three"});
  CHECK(taken == numbers(0, 12));
}

TEST_CASE("what run throws at the cut is thrown before the cut") {
  std::atomic<bool> entered{false};
  driven_operator op([&](blocking_context& ctx) {
    entered = true;
    try {
      ctx.receive();
    } catch (const interrupted&) {
      throw std::invalid_argument("at the cut");
    }
  });
  REQUIRE(op.until([&] { return entered.load(); }));
  CHECK(op.rests());
  CHECK(op.thrown == std::vector<std::string>{"at the cut"});
}

TEST_CASE("when run has returned the thread has ended, and packets are dropped") {
  std::atomic<int> runs{0};
  std::atomic<bool> returns{false};
  driven_operator op([&](blocking_context&) {
    ++runs;
    while (!returns) std::this_thread::yield();
  });
  REQUIRE(op.until([&] { return runs == 1; }));
  op.activate(packets(0, 2000));
  CHECK(op.kept == context::keeping::no_room);
  returns = true;
  CHECK(op.until([&] { return op.kept == context::keeping::nothing; }));
  CHECK(op.rests());
  op.go_on();
  CHECK(op.rests());
  CHECK(runs == 1);
}

TEST_CASE("a thread that does not come to rest is named with its stack, and goes on") {
  ends both;
  std::atomic<int> done{0};
  std::atomic<bool> entered{false};
  driven_operator op([&](blocking_context& ctx) {
    for (;;) {
      entered = true;
      stuck_here(both.in());
      ++done;
      ctx.rest_point();
    }
  });
  std::string why;
  REQUIRE(op.until([&] { return entered.load(); }));
  CHECK(op.until([&] {
    why = op.ask().value_or("rests");
    if (why == "rests") op.go_on(); // it had not come so far
    return contains(why, "read < stuck_here");
  }));
  CAPTURE(why);
  CHECK(contains(why, "its thread does not come to rest: it is in code that calls no wrapper: "));
  op.go_on();
  CHECK(op.nothing_set());
  both.write();
  CHECK(op.until([&] { return done == 1; }));
  CHECK(op.ask());
  both.write();
  CHECK(op.rests());
}

TEST_CASE("who is not interruptible comes to rest when it enters the next wrapper") {
  ends both;
  std::atomic<int> got{0};
  std::atomic<bool> entered{false};
  driven_operator op(
      [&](blocking_context& ctx) {
        for (;;) {
          std::byte one{};
          entered = true;
          got += static_cast<int>(ctx.read(both.in(), std::span(&one, 1)));
        }
      },
      rest_place::at_next_call);
  std::string why;
  REQUIRE(op.until([&] { return entered.load(); }));
  const auto call = "it is in read on descriptor " + std::to_string(both.in()) + ": read < ";
  CHECK(op.until([&] {
    why = op.ask().value_or("rests");
    if (why == "rests") op.go_on(); // it had not come so far
    return contains(why, call);
  }));
  CAPTURE(why);
  CHECK(got == 0);
  both.write();
  CHECK(op.rests());
  CHECK(got == 1);
  op.go_on();
  both.write();
  CHECK(op.until([&] { return got == 2; }));
}

TEST_CASE("a thread rests where it waits, takes nothing there, and leaves run afterwards") {
  ends both;
  std::atomic<int> runs{0}, left{0}, taken{0};
  std::vector<std::string> kept;
  driven_operator op(
      [&](blocking_context& ctx) {
        struct leaving {
          ~leaving() { ++count; }
          std::atomic<int>& count;
        } const on_the_way{left};
        ++runs;
        for (;;) {
          std::byte one{};
          taken += static_cast<int>(ctx.read(both.in(), std::span(&one, 1)));
        }
      },
      rest_place::where_it_waits);
  op.op().keeps = [&](std::size_t, packet& p, bool) {
    kept.push_back(text_of(p));
    return true;
  };
  for (int i = 1; i <= 200; ++i) {
    REQUIRE(op.until([&] { return runs > left; }));
    if (i % 2 == 0) std::this_thread::sleep_for(100us); // mostly it waits, else it is on its way
    if (i % 3 == 0) op.cut_ahead();
    REQUIRE(op.rests());
    const int out = left, had = taken;
    CHECK(runs == out + 1);
    both.write();
    op.activate({{0, text_packet("left over")}});
    REQUIRE(op.rests());
    CHECK(kept.size() == static_cast<std::size_t>(i));
    if (i % 10 == 0) std::this_thread::sleep_for(2ms);
    CHECK(left == out);
    CHECK(taken == had);
    op.go_on();
    // What has come meanwhile is taken in the next run.
    CHECK(op.until([&] { return taken == had + 1; }));
    CHECK(left == out + 1);
  }
}

TEST_CASE("names of functions are short") {
  CHECK(short_name("instar::pool::(anonymous namespace)::worker::fill(int, char const*) const") ==
        "worker::fill");
  CHECK(short_name("unsigned long instar::take<std::vector<int> >(std::vector<int>&)") ==
        "instar::take");
  CHECK(short_name("instar::session::run()::{lambda(int)#1}::operator()(int) const") ==
        "session::run");
  CHECK(short_name("__poll") == "poll");
  CHECK(short_name("read") == "read");
  CHECK(short_name("") == "");
}

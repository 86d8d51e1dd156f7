// Operators that block, in a real service with real threads: their updates under load, what is left
// of calls that were half done, checkpoints, and the end in every wrapper.
#include <doctest/doctest.h>

#include "actors/blocking_operator.hpp"
#include "actors/bytes.hpp"
#include "lifecycle/checkpoint_contents.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "lifecycle/operator_library.hpp"
#include "lifecycle/service.hpp"
#include "transfer/checkpoint_folder.hpp"

#include "blocking_test.capnp.h"
#include "temporary_folder.hpp"

#include <capnp/schema.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <filesystem>
#include <future>
#include <iterator>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace instar;
using namespace instar::test;
using namespace std::chrono_literals;

namespace {

constexpr long number_size = sizeof(std::uint64_t);

/// What the operators work on: numbers come in at one end and go out at another, eight bytes each.
struct plant {
  static constexpr std::string_view resource_name = "test.plant";

  plant() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) == 0);
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out) == 0);
    guard.lock();
  }
  ~plant() {
    guard.unlock();
    for (const int fd : {in[0], in[1], out[0], out[1]}) ::close(fd);
  }
  void feed(std::uint64_t from, std::uint64_t to) const {
    for (auto i = from; i < to; ++i) REQUIRE(::write(in[1], &i, sizeof i) == number_size);
  }
  /// So many numbers; whether they are these in order.
  bool comes(std::uint64_t from, std::uint64_t to) const {
    for (auto i = from; i < to; ++i) {
      std::uint64_t got = 0;
      pollfd there{out[0], POLLIN, 0};
      if (::poll(&there, 1, 10'000) != 1) return false;
      if (::recv(out[0], &got, sizeof got, MSG_WAITALL) != number_size || got != i) return false;
    }
    return true;
  }
  bool quiet() const {
    pollfd there{out[0], POLLIN, 0};
    return ::poll(&there, 1, 20) == 0;
  }

  int in[2], out[2];
  std::atomic<std::uint64_t> throw_at{~std::uint64_t{0}};
  std::atomic<bool> slow{false};
  std::atomic<int> call{0}, entered{0}, stuck{0};
  std::mutex guard; // locked all the time
};

std::span<const std::byte> view(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Reads numbers, and emits each.
template <std::uint32_t Version>
class source : public blocking_operator {
public:
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{.name = "test.source",
                                      .version = Version,
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<HalfDone>()};

  void run(blocking_context& ctx) override {
    const int fd = ctx.host<plant>().in[0];
    while (ctx.read_all(fd, part_, have_)) {
      have_ = 0;
      ctx.emit(out, make_payload<bytes>(
                        std::string(reinterpret_cast<const char*>(part_.data()), part_.size())));
    }
  }
  void save(state_writer& into) const override {
    auto to = into.init<HalfDone>();
    to.setPart({reinterpret_cast<const kj::byte*>(part_.data()), part_.size()});
    to.setHave(have_);
  }
  void restore(context&, state_reader& from) override {
    const auto is = from.root<HalfDone>();
    if (Version == 3) throw std::runtime_error("version 3 restores nothing");
    if (is.getPart().size() != part_.size()) return;
    std::memcpy(part_.data(), is.getPart().begin(), part_.size());
    have_ = is.getHave();
  }

private:
  std::array<std::byte, 8> part_{};
  std::size_t have_ = 0;
};

/// An ordinary operator between those that block.
template <std::uint32_t Version>
class middle : public operator_base {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{
      .name = "test.middle", .version = Version, .inputs = {in}, .outputs = {out}};
  void on_packet(context& ctx, std::size_t, packet p) override {
    ctx.emit_packet(out.index, std::move(p));
  }
};

/// Writes what comes, as far as there is room.
template <std::uint32_t Version>
class sink : public blocking_operator {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr operator_type type{.name = "test.sink",
                                      .version = Version,
                                      .inputs = {in},
                                      .state_schema = capnp::typeId<HalfDone>()};

  void run(blocking_context& ctx) override {
    auto& p = ctx.host<plant>();
    for (;;) {
      if (line_.empty()) take(ctx);
      std::uint64_t number = 0;
      if (line_.size() == sizeof number) std::memcpy(&number, line_.data(), sizeof number);
      if (p.throw_at.load() == number && done_ == 0) {
        p.throw_at = ~std::uint64_t{0};
        throw std::runtime_error("at that number");
      }
      if (p.slow && number % 64 == 0) ctx.sleep_for(200us);
      ctx.write_all(p.out[1], view(line_), done_);
      line_.clear();
      done_ = 0;
    }
  }
  bool left_over(std::size_t, packet& p) override {
    if (removed() || Version == 2) return false; // version 2 takes them all itself
    waiting_.emplace_back(p.as<bytes>().text());
    return true;
  }
  void save(state_writer& into) const override {
    auto to = into.init<HalfDone>();
    to.setPart({reinterpret_cast<const kj::byte*>(line_.data()), line_.size()});
    to.setHave(done_);
    auto list = to.initWaiting(static_cast<unsigned>(waiting_.size()));
    for (unsigned i = 0; i < waiting_.size(); ++i)
      list.set(i, {waiting_[i].data(), waiting_[i].size()});
  }
  void restore(context&, state_reader& from) override {
    const auto is = from.root<HalfDone>();
    line_.assign(reinterpret_cast<const char*>(is.getPart().begin()), is.getPart().size());
    done_ = is.getHave();
    for (const auto text : is.getWaiting()) waiting_.emplace_back(text.cStr(), text.size());
  }

private:
  void take(blocking_context& ctx) {
    if (waiting_.empty()) {
      line_ = std::string(ctx.receive().what.template as<bytes>().text());
    } else {
      line_ = std::move(waiting_.front());
      waiting_.pop_front();
    }
  }

  std::string line_;
  std::size_t done_ = 0;
  std::deque<std::string> waiting_;
};

[[gnu::noinline]] void stuck_in_c(int fd) {
  char c = 0;
  while (::read(fd, &c, 1) < 0) {
  }
}

/// Waits in one wrapper after the other, as the plant says.
template <std::uint32_t Version>
class waits : public blocking_operator {
public:
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{.name = "test.waits", .version = Version, .outputs = {out}};
  static constexpr int calls = 11;

  void run(blocking_context& ctx) override {
    auto& p = ctx.host<plant>();
    for (;;) {
      ++p.entered;
      if (p.call == calls) {
        ++p.stuck;
        stuck_in_c(p.in[0]);
        --p.stuck;
        continue;
      }
      wait(ctx, p);
      FAIL_CHECK("nothing came, but it did not wait");
    }
  }

private:
  void wait(blocking_context& ctx, plant& p) {
    const int fd = p.in[0];
    std::byte one{};
    std::mutex guard;
    std::unique_lock held(guard);
    std::condition_variable_any changed;
    dialler nobody;
    switch (p.call) {
    case 0:
      ctx.receive();
      break;
    case 1:
      ctx.receive_until(std::chrono::steady_clock::now() + 1h);
      break;
    case 2:
      ctx.read(fd, std::span(&one, 1));
      break;
    case 3:
      for (;;) ctx.write(fd, std::span(&one, 1));
    case 4:
      ctx.accept(listener_.fd);
      break;
    case 5:
      for (;;) ctx.connect(nobody.fd(), nobody.full(listener_), sizeof(sockaddr_in));
    case 6: {
      pollfd there{fd, POLLIN, 0};
      ctx.poll(std::span(&there, 1), {}, true);
      break;
    }
    case 7:
      ctx.sleep_for(1h);
      break;
    case 8:
      ctx.lock(p.guard);
      break;
    case 9:
      ctx.wait(held, changed, [] { return false; });
      break;
    case 10:
      while (ctx.plain([&] { return ::read(fd, &one, 1); }) < 0) ctx.rest_point();
      break;
    }
  }

  struct listener {
    listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
      sockaddr_in at{};
      at.sin_family = AF_INET;
      at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
      ::listen(fd, 0);
    }
    ~listener() { ::close(fd); }
    int fd;
  };
  /// Sockets that connect to the listener until no more fit.
  class dialler {
  public:
    ~dialler() {
      for (const int fd : fds_) ::close(fd);
    }
    int fd() {
      fds_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      return fds_.back();
    }
    const sockaddr* full(const listener& of) {
      socklen_t size = sizeof at_;
      ::getsockname(of.fd, reinterpret_cast<sockaddr*>(&at_), &size);
      return reinterpret_cast<const sockaddr*>(&at_);
    }

  private:
    std::vector<int> fds_;
    sockaddr_in at_{};
  };

  listener listener_;
};

std::shared_ptr<operator_library> all_operators() {
  auto library = std::make_shared<host_library>();
  library->add<source<1>>();
  library->add<source<2>>();
  library->add<source<3>>();
  library->add<middle<1>>();
  library->add<middle<2>>();
  library->add<sink<1>>();
  library->add<sink<2>>();
  library->add<waits<1>>();
  library->add<waits<2>>();
  return library;
}

operator_node node(std::string name, std::string type) {
  operator_node op;
  op.name = std::move(name);
  op.type = std::move(type);
  op.version = 1;
  return op;
}

graph chain(std::size_t capacity = 64) {
  graph g;
  g.name = "blocking";
  g.operators = {node("source", "test.source"), node("middle", "test.middle"),
                 node("sink", "test.sink")};
  g.arcs = {{"source", "out", "middle", "in", capacity}, {"middle", "out", "sink", "in", capacity}};
  return g;
}

graph one_that_waits() {
  graph g;
  g.name = "waits";
  g.operators = {node("waits", "test.waits")};
  return g;
}

/// A service of these operators, asked and waited for.
class running {
public:
  explicit running(plant& of, std::shared_ptr<checkpoint_store> checkpoints = nullptr)
      : service_([&] {
          service_options o;
          o.workers = 2;
          o.blocking_threads = 2;
          o.operators = all_operators();
          o.checkpoints = std::move(checkpoints);
          return o;
        }()) {
    service_.offer(plant::resource_name, &of);
  }

  template <class Ask>
  history_entry outcome(Ask&& ask) {
    std::promise<history_entry> done;
    ask([&](history_entry e) { done.set_value(std::move(e)); });
    return done.get_future().get();
  }
  history_entry apply(graph g) {
    return outcome([&](auto done) { service_.apply({std::move(g), "test", 10s}, done); });
  }
  history_entry update(std::vector<operator_update> what, std::chrono::nanoseconds within = 10s) {
    return outcome([&](auto done) { service_.update(std::move(what), "test", within, done); });
  }
  history_entry checkpoint() {
    return outcome([&](auto done) { service_.checkpoint("test", 10s, done); });
  }
  history_entry restore(graph g, restore_request from) {
    return outcome([&](auto done) {
      service_.restore({std::move(g), "test", 10s}, std::move(from), done);
    });
  }
  history_entry stop(std::chrono::nanoseconds within = 10s) {
    return outcome([&](auto done) { service_.stop("test", within, done); });
  }

private:
  service service_;
};

void check_committed(const history_entry& e) {
  CHECK_MESSAGE(e.outcome == transition_outcome::committed, e.reason);
  CHECK(e.reason == "");
}

/// How many there are in the end: who has been joined or closed is shown for a moment yet.
std::size_t entries(const char* folder) {
  auto least = ~std::size_t{0};
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(5ms);
    const auto now = std::distance(std::filesystem::directory_iterator(folder), {});
    least = std::min(least, static_cast<std::size_t>(now));
  }
  return least;
}

} // namespace

TEST_CASE("updates to and fro under load lose, double and reorder nothing") {
  for (const bool slow : {false, true}) {
    CAPTURE(slow);
    plant p;
    p.slow = slow;
    running s(p);
    check_committed(s.apply(chain()));
    std::atomic<std::uint64_t> fed{0};
    std::atomic<bool> enough{false};
    std::thread feeder([&] {
      for (std::uint64_t i = 0; !enough; ++i) {
        // Half a number and the rest of it come apart.
        std::byte raw[sizeof i];
        std::memcpy(raw, &i, sizeof i);
        const auto some = i % sizeof i;
        if (::write(p.in[1], raw, some) < 0 || ::write(p.in[1], raw + some, sizeof i - some) < 0)
          return;
        fed = i + 1;
      }
    });
    std::atomic<std::uint64_t> got{0};
    std::atomic<bool> right{true};
    std::thread taker([&] {
      for (std::uint64_t n = 0; ::recv(p.out[0], &n, sizeof n, MSG_WAITALL) == number_size;)
        if (n != got++) right = false;
    });
    std::size_t threads = 0, files = 0;
    for (int i = 0; i < 150; ++i) {
      const std::uint32_t to = i % 2 == 0 ? 2 : 1;
      if (i % 5 == 4) { // the fault at the one rolls all back
        const auto e = s.update({{"source", "test.source", 3}, {"sink", "test.sink", to}});
        CHECK(e.outcome == transition_outcome::rolled_back);
        CHECK(e.reason.find("version 3 restores nothing") != e.reason.npos);
      }
      if (i % 3 == 0) {
        check_committed(s.update({{"source", "test.source", to},
                                  {"middle", "test.middle", to},
                                  {"sink", "test.sink", to}}));
      } else {
        check_committed(s.update({{"source", "test.source", to}}));
        check_committed(s.update({{"middle", "test.middle", to}}));
        check_committed(s.update({{"sink", "test.sink", to}}));
      }
      if (i == 50) {
        threads = entries("/proc/self/task");
        files = entries("/proc/self/fd");
      }
    }
    CHECK(entries("/proc/self/task") == threads);
    CHECK(entries("/proc/self/fd") == files);
    enough = true;
    feeder.join();
    for (int i = 0; i < 1000 && got < fed; ++i) std::this_thread::sleep_for(10ms);
    CHECK(got == fed);
    check_committed(s.stop());
    ::shutdown(p.out[0], SHUT_RDWR);
    taker.join();
    CHECK(right);
    CHECK(got == fed);
    CHECK(fed > 1000);
  }
}

TEST_CASE("a number that is half read goes over, and so does one that is half written") {
  plant p;
  running s(p);
  check_committed(s.apply(chain()));
  std::uint64_t n = 0x1122334455667788;
  for (std::size_t i = 0; i < sizeof n; ++i) {
    CHECK(::write(p.in[1], reinterpret_cast<const char*>(&n) + i, 1) == 1);
    check_committed(s.update({{"source", "test.source", i % 2 == 0 ? 2u : 1u}}));
  }
  CHECK(p.comes(n, n + 1));
  check_committed(s.stop());
}

TEST_CASE("what waits when nobody takes anything is there in order afterwards") {
  plant p;
  const int small = 1;
  ::setsockopt(p.out[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  running s(p);
  check_committed(s.apply(chain()));
  p.feed(0, 900); // more than fit into the socket
  std::this_thread::sleep_for(20ms);
  // Version 1 keeps what is left over, so nobody has to read for these updates.
  check_committed(s.update({{"sink", "test.sink", 2}}));
  check_committed(s.update({{"sink", "test.sink", 1}}));
  p.feed(900, 1000);
  check_committed(s.update(
      {{"source", "test.source", 2}, {"middle", "test.middle", 2}, {"sink", "test.sink", 2}}));
  CHECK(p.comes(0, 1000));
  CHECK(p.quiet());
  check_committed(s.stop());
}

TEST_CASE("a checkpoint has what was half done, and its operators go on") {
  temporary_folder at;
  plant p;
  {
    auto store = checkpoint_store::claim(at.path());
    REQUIRE(store);
    running s(p, *store);
    check_committed(s.apply(chain()));
    p.feed(0, 100);
    CHECK(::write(p.in[1], "\x64\0\0", 3) == 3); // of the number 100
    CHECK(p.comes(0, 100));
    for (int i = 0; i < 20; ++i) check_committed(s.checkpoint());
    CHECK(::write(p.in[1], "\0\0\0\0", 4) == 4);
    std::this_thread::sleep_for(20ms);
    check_committed(s.checkpoint());
  } // cut off, as by a crash
  auto found = newest_whole(at.path());
  REQUIRE(found.file);
  auto contents = checkpoint_contents::read(*std::move(found.file));
  REQUIRE_MESSAGE(contents, contents.error().message);
  running s(p);
  const auto restored = s.restore(chain(), {*contents, {}});
  CHECK_MESSAGE(restored.outcome == transition_outcome::committed, restored.reason);
  CHECK(::write(p.in[1], "\0", 1) == 1);
  CHECK(p.comes(100, 101));
  p.feed(101, 200);
  CHECK(p.comes(101, 200));
  check_committed(s.stop());
}

TEST_CASE("an operator that throws is restarted with its state, and loses no packet") {
  plant p;
  running s(p);
  check_committed(s.apply(chain()));
  for (std::uint64_t i = 0; i < 500; i += 100) {
    p.throw_at = i + 50;
    p.feed(i, i + 100);
    CHECK(p.comes(i, i + 100));
    CHECK(p.throw_at == ~std::uint64_t{0});
  }
  check_committed(s.stop());
}

TEST_CASE("in every wrapper an operator is updated, removed and stopped") {
  for (int call = 0; call < waits<1>::calls; ++call) {
    CAPTURE(call);
    plant p;
    p.call = call;
    const auto waits_again = [&](int after) {
      for (int i = 0; i < 1000 && p.entered <= after; ++i) std::this_thread::sleep_for(1ms);
      std::this_thread::sleep_for(2ms);
      return p.entered > after;
    };
    running s(p);
    check_committed(s.apply(one_that_waits()));
    CHECK(waits_again(0));
    int entered = p.entered;
    check_committed(s.update({{"waits", "test.waits", 2}}));
    CHECK(waits_again(entered));
    auto renamed = one_that_waits();
    renamed.operators[0].name = "another"; // one is removed, one begins
    entered = p.entered;
    check_committed(s.apply(renamed));
    CHECK(waits_again(entered));
    check_committed(s.stop());
  }
}

TEST_CASE("who does not come to rest is named with its stack at the deadline, and goes on") {
  plant p;
  p.call = waits<1>::calls;
  running s(p);
  check_committed(s.apply(one_that_waits()));
  while (p.stuck == 0) std::this_thread::sleep_for(1ms);
  const auto e = s.update({{"waits", "test.waits", 2}}, 300ms);
  CHECK(e.outcome == transition_outcome::rolled_back);
  MESSAGE(e.reason);
  for (const char* part :
       {"operator 'waits'", "its thread does not come to rest", "read < stuck_in_c < waits::run"})
    CHECK(e.reason.find(part) != e.reason.npos);
  CHECK(p.stuck == 1);
  p.call = 2;
  CHECK(::write(p.in[1], "!", 1) == 1);
  check_committed(s.update({{"waits", "test.waits", 2}}));
  check_committed(s.stop());
}

TEST_CASE("a service that is destroyed ends the threads of its operators") {
  plant p;
  const auto before = entries("/proc/self/task");
  for (int call = 0; call < waits<1>::calls; ++call) {
    CAPTURE(call);
    p.call = call;
    running s(p);
    check_committed(s.apply(one_that_waits()));
    const int entered = p.entered;
    for (int i = 0; i < 100 && p.entered == entered; ++i) std::this_thread::sleep_for(1ms);
  }
  CHECK(entries("/proc/self/task") == before);
}

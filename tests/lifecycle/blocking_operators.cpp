#include "blocking_operators.hpp"

#include "actors/blocking_operator.hpp"
#include "actors/bytes.hpp"
#include "blocking_test.capnp.h"

#include <capnp/schema.h>

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <span>
#include <stdexcept>
#include <thread>

namespace instar::test {

using namespace std::chrono_literals;

namespace {

std::span<const std::byte> view(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::span<const kj::byte> raw(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

void save_texts(HalfDone::Builder to, const std::deque<std::string>& texts) {
  auto list = to.initWaiting(static_cast<unsigned>(texts.size()));
  for (unsigned i = 0; i < texts.size(); ++i) list.set(i, {texts[i].data(), texts[i].size()});
}

std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  std::memcpy(&number, text.data(), std::min(text.size(), sizeof number));
  return number;
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
    save_texts(to, waiting_);
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
  static constexpr int calls = wrappers;

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

/// Waits for numbers and for what comes back at the same time.
template <std::uint32_t Version>
class desk : public blocking_operator {
public:
  static constexpr in_port<bytes> back{0, "back"};
  static constexpr out_port<bytes> order{0, "order"}, out{1, "out"};
  static constexpr operator_type type{.name = "test.desk",
                                      .version = Version,
                                      .inputs = {back},
                                      .outputs = {order, out},
                                      .state_schema = capnp::typeId<HalfDone>()};

  void run(blocking_context& ctx) override {
    const int fd = ctx.host<plant>().in[0];
    for (;;) {
      for (; !came_.empty(); came_.pop_front()) ctx.emit(out, make_payload<bytes>(came_.front()));
      pollfd there{fd, POLLIN, 0};
      if (ctx.poll(std::span(&there, 1), {}, true).packet)
        came_.emplace_back(ctx.receive().what.template as<bytes>().text());
      if (there.revents == 0) continue;
      std::array<std::byte, number_size> block{};
      const auto size = ctx.read(fd, std::span(block).first(block.size() - part_.size()));
      if (size == 0) return;
      part_.append(reinterpret_cast<const char*>(block.data()), size);
      if (part_.size() < block.size()) continue;
      const auto number = number_in(part_);
      ctx.emit(order, make_payload<bytes>(std::exchange(part_, {})), number);
    }
  }
  bool left_over(std::size_t, packet& p) override {
    came_.emplace_back(p.as<bytes>().text());
    return true;
  }
  void save(state_writer& into) const override {
    auto to = into.init<HalfDone>();
    to.setPart({raw(part_).data(), part_.size()});
    save_texts(to, came_);
  }
  void restore(context&, state_reader& from) override {
    const auto is = from.root<HalfDone>();
    part_.assign(reinterpret_cast<const char*>(is.getPart().begin()), is.getPart().size());
    for (const auto text : is.getWaiting()) came_.emplace_back(text.cStr(), text.size());
  }

private:
  std::string part_;
  std::deque<std::string> came_;
};

/// Works on one number at a time, for part of the time in what nothing interrupts. Version 2 takes
/// all that waits itself.
template <std::uint32_t Version>
class worker : public blocking_operator {
public:
  static constexpr in_port<bytes> in{0, "in"};
  static constexpr out_port<bytes> out{0, "out"};
  static constexpr operator_type type{.name = "test.worker",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<HalfDone>(),
                                      .mergeable = true};

  void run(blocking_context& ctx) override {
    for (;;) {
      if (tasks_.empty()) take(ctx.receive().what);
      const auto number = number_in(tasks_.front());
      ctx.sleep_for(std::chrono::microseconds(number * 37 % 500));
      std::this_thread::sleep_for(std::chrono::microseconds(number * 53 % 300));
      ctx.emit(out, make_payload<bytes>(tasks_.front()), number);
      tasks_.pop_front();
    }
  }
  bool left_over(std::size_t, packet& p) override {
    if (Version == 2) return false;
    take(p);
    return true;
  }
  void save(state_writer& into) const override { save_texts(into.init<HalfDone>(), tasks_); }
  void restore(context&, state_reader& from) override {
    for (const auto text : from.root<HalfDone>().getWaiting())
      tasks_.emplace_back(text.cStr(), text.size());
  }

private:
  void take(const packet& p) { tasks_.emplace_back(p.as<bytes>().text()); }

  std::deque<std::string> tasks_; // the first one is being worked on
};

} // namespace

std::shared_ptr<operator_library> blocking_operators() {
  auto library = std::make_shared<host_library>();
  library->add<source<1>>();
  library->add<source<2>>();
  library->add<source<3>>();
  library->add<middle<1>>();
  library->add<middle<2>>();
  library->add<sink<1>>();
  library->add<sink<2>>();
  library->add<desk<1>>();
  library->add<desk<2>>();
  library->add<worker<1>>();
  library->add<worker<2>>();
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

graph chain(std::size_t capacity) {
  graph g;
  g.name = "blocking";
  g.operators = {node("source", "test.source"), node("middle", "test.middle"),
                 node("sink", "test.sink")};
  g.arcs = {{"source", "out", "middle", "in", capacity}, {"middle", "out", "sink", "in", capacity}};
  return g;
}

graph loop_of(std::uint32_t workers) {
  graph g;
  g.name = "loop";
  g.operators = {node("desk", "test.desk"), node("worker", "test.worker"),
                 node("sink", "test.sink")};
  g.operators[1].replicas = workers;
  g.arcs = {{"desk", "order", "worker", "in", 64}, {"desk", "out", "sink", "in", 64}};
  arc_node back{"worker", "out", "desk", "back", 64};
  back.feedback = feedback_policy::hand_over;
  g.arcs.push_back(back);
  return g;
}

} // namespace instar::test

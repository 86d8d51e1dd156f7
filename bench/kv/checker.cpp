// instar-kv-check: clients of a key-value server that believe nothing. Each has one connection and
// keys of its own, sends several commands at once, and knows what each of them has to answer: what
// was acknowledged must be read back, then and at the end.
//
//   failed  an answer that is an error, or no answer at all: the connection was closed
//   stale   an older value than the one that was acknowledged last
//   lost    an entry that was acknowledged and is not there, or has a value that was never written

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <iostream>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_asked = 0;
void on_signal(int) { stop_asked = 1; }

struct arguments {
  std::uint16_t port = 0;
  unsigned connections = 8;
  unsigned pipeline = 16;
  unsigned keys = 10'000;    // of each connection
  unsigned value_bytes = 32; // at least
  double seconds = 10;
};

struct totals {
  std::uint64_t commands = 0, failed = 0, stale = 0, lost = 0, reopened = 0;
  std::vector<float> latencies_ms; // of each round trip
  double longest_stall_ms = 0;

  void operator+=(const totals& other) {
    commands += other.commands;
    failed += other.failed;
    stale += other.stale;
    lost += other.lost;
    reopened += other.reopened;
    latencies_ms.insert(latencies_ms.end(), other.latencies_ms.begin(), other.latencies_ms.end());
  }
};

class connection_lost : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// A blocking connection that reads answers one by one.
class connection {
public:
  explicit connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
      ::close(fd_);
      throw connection_lost("nobody listens");
    }
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~connection() { ::close(fd_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send(std::string_view text) const {
    while (!text.empty()) {
      const auto n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) throw connection_lost("send failed");
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// The next answer with its first character; of a bulk string what it has, `$` alone if nothing.
  std::string answer() {
    const auto line = until_line_end();
    if (line[0] != '$') return line;
    const auto size = std::stoll(line.substr(1));
    if (size < 0) return "$";
    while (have_.size() - at_ < static_cast<std::size_t>(size) + 2) more();
    auto text = "$=" + have_.substr(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size) + 2;
    return text;
  }

private:
  std::string until_line_end() {
    for (;;) {
      const auto end = have_.find("\r\n", at_);
      if (end != std::string::npos) {
        auto line = have_.substr(at_, end - at_);
        at_ = end + 2;
        if (line.empty()) throw connection_lost("an empty answer");
        return line;
      }
      more();
    }
  }
  void more() {
    have_.erase(0, at_);
    at_ = 0;
    char block[65536];
    const auto n = ::recv(fd_, block, sizeof block, 0);
    if (n <= 0) throw connection_lost("closed, or no answer within 10 s");
    have_.append(block, static_cast<std::size_t>(n));
  }

  const int fd_;
  std::string have_;
  std::size_t at_ = 0;
};

std::string command(std::initializer_list<std::string_view> args) {
  std::string text = "*" + std::to_string(args.size()) + "\r\n";
  for (const auto a : args) {
    text += "$" + std::to_string(a.size()) + "\r\n";
    text += a;
    text += "\r\n";
  }
  return text;
}

/// One client: its keys have the values 1, 2, 3 …, each with a text that follows from key and
/// number. 0 = there is no entry.
class client {
public:
  client(const arguments& with, unsigned me)
      : with_(with), me_(me), random_(me), written_(with.keys), unsure_(with.keys) {}

  void run(clock_type::time_point until) {
    auto last = clock_type::now();
    while (!stop_asked && clock_type::now() < until) {
      const auto begin = clock_type::now();
      exchange([&] { some_commands(); });
      const auto end = clock_type::now();
      const auto ms = [](auto d) { return std::chrono::duration<double, std::milli>(d).count(); };
      sums_.latencies_ms.push_back(static_cast<float>(ms(end - begin)));
      sums_.longest_stall_ms = std::max(sums_.longest_stall_ms, ms(end - last));
      last = end;
    }
    for (unsigned k = 0; k < with_.keys;)
      exchange([&] {
        for (unsigned n = 0; n < with_.pipeline && k < with_.keys; ++n) ask_value(k++);
      });
  }
  const totals& sums() const { return sums_; }

private:
  struct expectation {
    enum { acknowledged, counted, value } what;
    unsigned key;
    std::uint64_t number;
  };

  std::string key(unsigned k) const {
    return "check:" + std::to_string(me_) + ":" + std::to_string(k);
  }
  std::string text(unsigned k, std::uint64_t number) const {
    auto made = std::to_string(number) + "." + std::to_string(k) + "." + std::to_string(me_) + ".";
    const auto size = std::max<std::size_t>(made.size(), with_.value_bytes + number % 64);
    while (made.size() < size) made += static_cast<char>('a' + (made.size() + number) % 26);
    return made;
  }

  void some_commands() {
    for (unsigned n = 0; n < with_.pipeline; ++n) {
      const auto k = static_cast<unsigned>(random_() % with_.keys);
      switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        write(k);
        break;
      case 3:
        out_ += command({"DEL", key(k)});
        expected_.push_back({expectation::counted, k, sent_of(k) != 0});
        sent_.emplace_back(k, 0);
        break;
      default:
        ask_value(k);
      }
    }
  }
  void write(unsigned k) {
    const auto number = ++last_number_;
    out_ += command({"SET", key(k), text(k, number)});
    expected_.push_back({expectation::acknowledged, k, number});
    sent_.emplace_back(k, number);
  }
  void ask_value(unsigned k) {
    out_ += command({"GET", key(k)});
    expected_.push_back({expectation::value, k, sent_of(k)});
  }
  /// What the key has once everything that was sent is done.
  std::uint64_t sent_of(unsigned k) const {
    for (auto at = sent_.rbegin(); at != sent_.rend(); ++at)
      if (at->first == k) return at->second;
    return written_[k];
  }

  template <class Fill>
  void exchange(Fill fill) {
    out_.clear();
    expected_.clear();
    sent_.clear();
    fill();
    std::size_t done = 0;
    try {
      if (!to_) to_ = std::make_unique<connection>(with_.port);
      to_->send(out_);
      for (; done < expected_.size(); ++done) check(expected_[done], to_->answer());
    } catch (const connection_lost&) {
      // What was sent without an acknowledgement may have been carried out, or not.
      sums_.failed += expected_.size() - done;
      for (; done < expected_.size(); ++done)
        if (expected_[done].what != expectation::value) unsure_[expected_[done].key] = true;
      to_.reset();
      ++sums_.reopened;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  void check(const expectation& e, const std::string& answer) {
    ++sums_.commands;
    if (answer[0] == '-') {
      ++sums_.failed;
      if (sums_.failed < 5) std::cerr << "answer: " << answer << "\n";
      unsure_[e.key] = true;
      return;
    }
    switch (e.what) {
    case expectation::acknowledged:
      if (answer != "+OK") ++sums_.failed;
      written_[e.key] = e.number;
      unsure_[e.key] = false;
      return;
    case expectation::counted:
      if (!unsure_[e.key] && answer != (e.number ? ":1" : ":0")) ++sums_.lost;
      written_[e.key] = 0;
      unsure_[e.key] = false;
      return;
    case expectation::value:
      if (!unsure_[e.key]) check_value(e, answer);
    }
  }
  void check_value(const expectation& e, const std::string& answer) {
    if (answer == (e.number ? "$=" + text(e.key, e.number) : "$")) return;
    std::cerr << key(e.key) << ": expected number " << e.number << ", got " << answer << "\n";
    const auto got = answer.size() > 2 ? std::strtoull(answer.c_str() + 2, nullptr, 10) : 0;
    if (got != 0 && (e.number == 0 || got < e.number) && answer == "$=" + text(e.key, got))
      ++sums_.stale;
    else ++sums_.lost;
    unsure_[e.key] = true; // counted once
  }

  const arguments& with_;
  const unsigned me_;
  std::mt19937_64 random_;
  std::vector<std::uint64_t> written_; // the number that was acknowledged last
  std::vector<char> unsure_;           // a write without an acknowledgement came after it
  std::uint64_t last_number_ = 0;
  std::unique_ptr<connection> to_;
  std::string out_;
  std::vector<expectation> expected_;
  std::vector<std::pair<unsigned, std::uint64_t>> sent_;
  totals sums_;
};

double percentile(std::vector<float>& of, double share) {
  if (of.empty()) return 0;
  const auto at =
      of.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(of.size() - 1) * share);
  std::nth_element(of.begin(), at, of.end());
  return *at;
}

} // namespace

int main(int argc, char** argv) {
  arguments given;
  CLI::App app("writes to a key-value server and reads back what it acknowledged");
  app.add_option("--port", given.port, "on 127.0.0.1")->required();
  app.add_option("-c,--connections", given.connections, "clients, each with keys of its own");
  app.add_option("-P,--pipeline", given.pipeline, "commands sent at once");
  app.add_option("-k,--keys", given.keys, "of each client");
  app.add_option("--value-bytes", given.value_bytes, "of a value, at least");
  app.add_option("-d,--seconds", given.seconds, "how long; SIGTERM ends it before that");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);

  const auto begin = clock_type::now();
  const auto until = begin + std::chrono::duration_cast<clock_type::duration>(
                                 std::chrono::duration<double>(given.seconds));
  totals sums;
  std::mutex guard;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < given.connections; ++i)
    threads.emplace_back([&, i] {
      client c(given, i);
      c.run(until);
      std::lock_guard lock(guard);
      sums += c.sums();
      sums.longest_stall_ms = std::max(sums.longest_stall_ms, c.sums().longest_stall_ms);
    });
  for (auto& t : threads) t.join();
  const std::chrono::duration<double> took = clock_type::now() - begin;
  std::cout << "{\"commands\": " << sums.commands
            << ", \"commands_per_s\": " << static_cast<double>(sums.commands) / took.count()
            << ", \"failed\": " << sums.failed << ", \"stale\": " << sums.stale
            << ", \"lost\": " << sums.lost << ", \"reopened\": " << sums.reopened
            << ", \"p50_ms\": " << percentile(sums.latencies_ms, 0.5)
            << ", \"p999_ms\": " << percentile(sums.latencies_ms, 0.999)
            << ", \"longest_stall_ms\": " << sums.longest_stall_ms << "}\n";
  return sums.failed + sums.stale + sums.lost == 0 ? 0 : 1;
}

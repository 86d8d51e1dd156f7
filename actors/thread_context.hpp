#pragma once

#include "actors/blocking_thread.hpp"

#include <string>
#include <vector>

namespace instar {

/// The wrappers, on the operator's thread: one for each time that `run` is called.
class thread_context final : public blocking_context {
public:
  thread_context(blocking_thread& of, std::string name);
  ~thread_context();

  input receive() override;
  std::optional<input> receive_until(std::chrono::steady_clock::time_point until) override;
  void emit_packet(std::size_t output, packet p) override;

  std::size_t read(int fd, std::span<std::byte> into) override;
  std::size_t write(int fd, std::span<const std::byte> from) override;
  int accept(int fd) override;
  void connect(int fd, const sockaddr* to, socklen_t size) override;
  readiness poll(std::span<pollfd> fds, std::optional<std::chrono::nanoseconds> timeout,
                 bool or_packet) override;

  void sleep_until(std::chrono::steady_clock::time_point until) override;
  void lock(std::mutex& what) override;
  void rest_point() override;

  void log(log_level level, std::string_view line) override;
  std::string_view name() const override { return name_; }
  epoch_t epoch() const override { return of_.about_.epoch; }
  void stop_service(std::string_view reason) override;

private:
  using until = std::optional<std::chrono::steady_clock::time_point>;

  /// That the thread is in a wrapper, for whoever asks where it is.
  class inside {
  public:
    inside(thread_context& of, const char* call, int fd = -1) noexcept;
    ~inside();

  private:
    blocking_thread& thread_;
  };
  /// … and in a system call that waits by itself.
  class raw_call {
  public:
    explicit raw_call(blocking_thread& of) noexcept : thread_(of) { thread_.raw_ = true; }
    ~raw_call() { thread_.raw_ = false; }

  private:
    blocking_thread& thread_;
  };

  void* host_resource(std::string_view name) override;
  void begin_plain() noexcept override;
  std::stop_token begin_wait() override;
  void end_call() noexcept override;

  /// For wrappers that have been entered, and for those that wait.
  void check_entry() const;
  void check_wait() const;
  /// Around what waits, in wrappers where the thread may be at rest.
  void begin_waiting(const std::unique_lock<std::mutex>& held) const;
  void end_waiting(std::unique_lock<std::mutex>& held) const;
  template <class Call>
  int waiting(Call&& call) const;
  [[noreturn]] void come_to_rest(std::unique_lock<std::mutex>& held) const;
  /// Whether what need not wait is to be finished, because nothing is saved.
  bool finishes() const { return of_.removed_ && of_.interruptible(); }
  std::optional<input> receive_by(const until& end);
  input take_oldest(std::unique_lock<std::mutex>& lock);
  bool packet_waits(bool& asks);
  void wait_for(int fd, short events);

  blocking_thread& of_;
  const std::string name_;
  std::vector<pollfd> polled_;
};

} // namespace instar

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "services/blocking/common_settings.hpp"
#include "services/file/answerer.hpp"
#include "services/http/head.hpp"
#include "services/http/head_writer.hpp"
#include "services/pool/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

namespace instar::pool {

/// Serves one connection at a time: reads a request, writes the answer, and so on as long as more
/// of the connection has come; then it gives it back. A thread that waits in `read` and `write`.
///
/// A request may arrive, and an answer leave, byte by byte over any number of updates.
class worker : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> in{0, "connection"};
  static constexpr out_port<descriptor_packet> idle{0, "idle"};
  /// Its client is to end it; or it is broken.
  static constexpr out_port<descriptor_packet> closing{1, "closing"};
  static constexpr setting_type head_timeout_setting{
      "head_timeout", setting_kind::duration, "30s", false,
      "for a request's head, from its first byte on; 408 beyond"};
  static constexpr setting_type write_timeout_setting{"write_timeout", setting_kind::duration,
                                                      "60s", false,
                                                      "for a client to take a part of its answer"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  explicit worker(const settings& values);

  /// Sends some bytes of an open file, from `offset` on, to a socket that takes some. Returns how
  /// many, 0 if it has to be tried once more. Throws `interrupted` before any were sent.
  virtual std::size_t send_file(blocking_context& ctx, const task& of) = 0;
  /// To be thrown: the file has become shorter than was announced.
  [[noreturn]] static void file_is_short();

private:
  enum class end { idle, closing };

  end serve(blocking_context& ctx, task& t);
  bool understand(blocking_context& ctx, task& t);
  void answer(blocking_context& ctx, task& t, const http::parsed_head& head);
  void refuse(blocking_context& ctx, task& t, std::uint16_t status);
  bool receive_more(blocking_context& ctx, task& t);
  bool skip_body(blocking_context& ctx, task& t);
  bool send(blocking_context& ctx, task& t);

  const file::answerer files_;
  const std::chrono::nanoseconds head_timeout_, write_timeout_;
  const http::head_limits limits_;
  http::head_writer heads_;
  std::deque<task> tasks_; // the first one is being worked on
};

} // namespace instar::pool

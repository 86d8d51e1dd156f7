#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "log_state.capnp.h"
#include "services/http/log_file.hpp"
#include "services/http/response.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace instar::http {

/// Writes a line for each response that passes, in the combined format, and passes it on. Put
/// between `compose` and `reply`, also while the service runs.
///
/// Lines are gathered here and written on the host's pool, so a slow disk holds up nobody; those
/// for which there is no room meanwhile are counted and told of. The file may be moved away at any
/// time. State: the lines that are not written yet.
class log final : public operator_base {
public:
  static constexpr in_port<response> in{0, "response"};
  static constexpr out_port<response> out{0, "response", response::payload_name, 0};
  static constexpr operator_type type{
      "http.log",
      1,
      "writes an access log",
      {in},
      {out},
      capnp::typeId<LogState>(),
      1,
      {{"file", setting_kind::path, "", true, "to which lines are appended"},
       {"max_size", setting_kind::size, "0B", false,
        "of the file before it is moved to FILE.1; 0 leaves that to others"},
       {"keep", setting_kind::integer, "4", false, "of the files that were moved"},
       {"flush_every", setting_kind::duration, "1s", false, "lines wait at most so long"},
       {"max_waiting", setting_kind::size, "4MiB", false,
        "of lines that the disk has not taken; those beyond are lost"}}};

  explicit log(const settings& values);

  void on_start(context& ctx) override;
  void on_packet(context& ctx, std::size_t port, packet p) override;
  void on_timer(context& ctx, std::uint64_t token) override;
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  void add_line(const response& of);
  std::string_view date();
  void write_soon(context& ctx);
  void write(context& ctx);
  void written(context& ctx, const std::string& error);

  const std::shared_ptr<log_file> file_;
  const std::chrono::nanoseconds flush_every_;
  const std::size_t most_waiting_;
  std::string lines_;
  std::size_t being_written_ = 0; // bytes that the pool has
  std::uint64_t dropped_ = 0;
  bool flushes_ = false; // a timer is set
  std::int64_t second_ = -1;
  std::string date_; // of `second_`
};

/// The line for `of`, without its end: `ADDRESS - - [DATE] "GET / HTTP/1.1" 200 17 "REFERER"
/// "AGENT"`. What could be mistaken for something else is written as `\xHH`.
void append_log_line(std::string& to, const response& of, std::string_view date);

} // namespace instar::http

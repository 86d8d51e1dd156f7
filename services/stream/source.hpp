#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "services/blocking/common_settings.hpp"
#include "source_state.capnp.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

namespace instar::stream {

/// Reads a file, again and again, or a FIFO, and cuts it into frames of one size. A thread that
/// waits in `read`, or in `write`: frames leave by a pipe, whose other end is the only packet that
/// it emits. So it is ahead by what a pipe holds.
class source final : public blocking_operator {
public:
  static constexpr out_port<descriptor_packet> out{0, "pipe"};
  static constexpr operator_type type{
      .name = "stream.source",
      .version = 1,
      .help = "reads a file or a FIFO in frames",
      .outputs = {out},
      .state_schema = capnp::typeId<SourceState>(),
      .state_version = 1,
      .settings = {
          {"path", setting_kind::path, "", true, "file, read in a loop, or FIFO"},
          {"frame", setting_kind::size, "4KiB", false, "bytes of a frame, at most 256 KiB"},
          blocking::interruptible_setting}};

  explicit source(const settings& values);

  void run(blocking_context& ctx) override;
  void save(state_writer& into) const override;
  void restore(context& ctx, state_reader& from) override;

private:
  void open(descriptors& all);
  void make_pipe(blocking_context& ctx);
  bool rewind();
  bool fill(blocking_context& ctx);
  bool send(blocking_context& ctx);
  void begin_frame();

  const std::filesystem::path path_;
  const std::size_t frame_size_;
  std::shared_ptr<descriptor> file_, pipe_;
  std::string frame_;       // after its length
  std::size_t have_ = 0;    // of it, without the length
  std::size_t written_ = 0; // of it, with the length
};

} // namespace instar::stream

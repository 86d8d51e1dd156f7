#pragma once

#include "services/file/load.hpp"

namespace instar::file {

/// Passes files on as open files, for `sendfile`: their bytes never enter this process. Only what
/// is so short that a second system call would cost more than copying it is read into memory.
class load_v2 final : public load {
public:
  static constexpr out_port<http::response> out{0, "response", http::response::file_name};
  static constexpr setting_type sendfile_from_setting{
      "sendfile_from", setting_kind::size, "6KiB", false,
      "what is shorter is read into memory, and leaves with its head in one system call"};
  static constexpr operator_type type{
      "http.load",
      2,
      "passes files on for sendfile",
      {in},
      {out},
      0,
      0,
      {root_setting, index_setting, gzip_setting, max_multipart_setting, sendfile_from_setting}};

  explicit load_v2(const settings& values)
      : load(values), sendfile_from_(values.size("sendfile_from")) {}

private:
  void fill(http::response& answer, const opened& from, http::byte_range part) override {
    if (part.size < sendfile_from_) read_into_memory(answer, from, part);
    else answer.body = http::body(make_payload<handle>(from.fd), part.first, part.size);
  }

  const std::uint64_t sendfile_from_;
};

} // namespace instar::file

#pragma once

#include "services/file/load.hpp"

namespace instar::file {

/// Passes each file on as an open file, for `sendfile`: its bytes never enter this process.
class load_v2 final : public load {
public:
  static constexpr out_port<http::response> out{0, "response", http::response::file_name};
  static constexpr operator_type type{
      "http.load",
      2,
      "passes files on for sendfile",
      {in},
      {out},
      0,
      0,
      {root_setting, index_setting, gzip_setting, max_multipart_setting}};

  explicit load_v2(const settings& values) : load(values) {}

private:
  void fill(http::response& answer, const opened& from, http::byte_range part) override {
    answer.body = http::body(make_payload<handle>(from.fd), part.first, part.size);
  }
};

} // namespace instar::file

#pragma once

#include "services/file/load.hpp"

namespace instar::file {

/// Reads each file into shared memory with blocking reads.
class load_v1 final : public load {
public:
  static constexpr out_port<http::response> out{0, "response", http::response::memory_name};
  static constexpr operator_type type{
      "http.load",
      1,
      "reads files into memory",
      {in},
      {out},
      0,
      0,
      {root_setting, index_setting, gzip_setting, max_multipart_setting}};

  explicit load_v1(const settings& values) : load(values) {}

private:
  void fill(http::response& answer, const opened& from, http::byte_range part) override {
    read_into_memory(answer, from, part);
  }
};

} // namespace instar::file

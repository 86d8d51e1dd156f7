#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/file/root.hpp"
#include "services/http/response.hpp"
#include "services/http/select.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace instar::file {

/// Answers requests with the files of a folder. What the versions share: which file is meant, which
/// parts of it, and what the response says about it; how the file's bytes get into it is theirs.
class load : public operator_base {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr setting_type root_setting{"root", setting_kind::path, "", true,
                                             "folder whose files are served"};
  static constexpr setting_type index_setting{
      "index", setting_kind::text, "index.html", false,
      "files that answer for their folder, in this order, with spaces between"};
  static constexpr setting_type gzip_setting{
      "gzip", setting_kind::boolean, "true", false,
      "answers with FILE.gz beside FILE where the client takes that"};
  static constexpr setting_type max_multipart_setting{
      "max_multipart", setting_kind::size, "1MiB", false,
      "of an answer in several parts, which is put together in memory; beyond, the whole file"};

  void on_packet(context& ctx, std::size_t port, packet p) final;

protected:
  explicit load(const settings& values)
      : root_(values.path("root"), values.text("index")), gzip_(values.boolean("gzip")),
        max_multipart_(values.size("max_multipart")) {}

  /// Fills the body with one part of `from`, whose descriptor it takes over. Not called for HEAD.
  virtual void fill(http::response& answer, const opened& from, http::byte_range part) = 0;

  /// What `fill` may do: reads the part into shared memory; the answer is 500 if the file has
  /// become shorter, 503 if there is no memory for it.
  static void read_into_memory(http::response& answer, const opened& from, http::byte_range part);

private:
  void answer(http::response& into);
  void fill_parts(http::response& into, const opened& from,
                  std::span<const http::byte_range> parts);

  const root root_;
  const bool gzip_;
  const std::uint64_t max_multipart_;
};

/// Returns whether all of the part could be read into `into`: not if the file became shorter.
bool read_part(int fd, std::byte* into, http::byte_range part);

} // namespace instar::file

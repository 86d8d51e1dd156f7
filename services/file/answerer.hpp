#pragma once

#include "actors/settings.hpp"
#include "services/file/root.hpp"
#include "services/http/response.hpp"
#include "services/http/select.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace instar::file {

/// Answers requests with the files of a folder: which file is meant, which parts of it, and what
/// the response says about it. How the file's bytes get to the client is up to who asks it.
class answerer {
public:
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

  /// Reads the settings above.
  explicit answerer(const settings& values)
      : root_(values.path("root"), values.text("index")), gzip_(values.boolean("gzip")),
        max_multipart_(values.size("max_multipart")) {}

  /// The part of a file that makes a body. Who gets it owns the descriptor.
  struct source {
    opened from;
    http::byte_range part;
  };

  /// Answers `into.asked`: fills in everything but a body out of one piece of a file, which is
  /// returned.
  std::optional<source> answer(http::response& into) const;

private:
  void fill_parts(http::response& into, const opened& from,
                  std::span<const http::byte_range> parts) const;
  std::optional<source> find(http::response& into) const;

  const root root_;
  const bool gzip_;
  const std::uint64_t max_multipart_;
};

/// Returns whether all of the part could be read into `into`: not if the file became shorter.
bool read_part(int fd, std::byte* into, http::byte_range part);

} // namespace instar::file

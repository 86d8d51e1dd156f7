#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::file {

/// A regular file that was opened for reading. The caller owns `fd`.
struct opened {
  int status = 0; ///< 0, or the HTTP status that says why there is no file
  int fd = -1;
  std::uint64_t size = 0;
  std::int64_t modified = 0;           ///< seconds since 1970
  std::uint32_t modified_fraction = 0; ///< and nanoseconds
  std::string_view content_type = {};  ///< of what is in it once it is unpacked; the host's text
  bool gzipped = false;                ///< it is the compressed variant
};

using path_text = std::array<char, 4096>;

/// A folder whose files, and nothing else, may be asked for by URL path.
///
/// The kernel resolves every path beneath the folder (`openat2`, `RESOLVE_BENEATH`): neither `..`
/// nor a symbolic link leads out of it, even if the folder changes at that moment. Where the kernel
/// has no `openat2`, symbolic links are not followed at all.
class root {
public:
  /// `index` names what is looked for in a folder, in this order, with spaces between. Throws
  /// `std::system_error` naming the folder if it cannot be opened.
  explicit root(const std::filesystem::path& folder, std::string_view index = "index.html");
  ~root();
  root(const root&) = delete;
  root& operator=(const root&) = delete;

  /// Opens what the request target means: percent-decoded, without its query, an index file for a
  /// folder. 301 for a folder whose name does not end with a slash; 400 if the target is malformed,
  /// names a parent folder or holds a NUL; 404 if there is no such file or it must not be read; 503
  /// if the system has no descriptor left.
  ///
  /// With `gzip`, and if it can be compressed at all, the file beside it with `.gz` at the end of
  /// its name is opened instead, unless that is older.
  opened open(std::string_view target, bool gzip = false) const;

private:
  opened open_file(path_text& path, std::size_t length) const;
  opened open_index(path_text& path, std::size_t length, std::size_t& with_index) const;
  void open_variant(path_text& path, std::size_t length, opened& found) const;
  int open_at(const char* path) const;
  int open_beneath(const char* path) const;
  int open_stepwise(const char* path) const;

  int folder_ = -1;
  bool has_openat2_ = true;
  std::vector<std::string> index_;
};

/// The path that a request target means, relative to the root and without leading slashes; empty
/// for the root itself. Nothing if the target is malformed. It is NUL-terminated, with room after
/// it for the name of an index file.
std::optional<std::size_t> decode_target(std::string_view target, path_text& into) noexcept;

} // namespace instar::file

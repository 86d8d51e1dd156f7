#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace instar::file {

/// A regular file that was opened for reading. The caller owns `fd`.
struct opened {
  int status = 0; ///< 0, or the HTTP status that says why there is no file
  int fd = -1;
  std::uint64_t size = 0;
  std::int64_t modified = 0;          ///< seconds since 1970
  std::string_view content_type = {}; ///< the host's text
};

/// A folder whose files, and nothing else, may be asked for by URL path.
///
/// The kernel resolves every path beneath the folder (`openat2`, `RESOLVE_BENEATH`): neither `..`
/// nor a symbolic link leads out of it, even if the folder changes at that moment. Where the kernel
/// has no `openat2`, symbolic links are not followed at all.
class root {
public:
  /// Throws `std::system_error` naming the folder if it cannot be opened.
  explicit root(const std::filesystem::path& folder);
  ~root();
  root(const root&) = delete;
  root& operator=(const root&) = delete;

  /// Opens what the request target means: percent-decoded, without its query, `index.html` for a
  /// folder. 400 if the target is malformed, names a parent folder or holds a NUL; 404 if there is
  /// no such file or it must not be read; 503 if the system has no descriptor left.
  opened open(std::string_view target) const;

private:
  int open_beneath(const char* path) const;
  int open_stepwise(const char* path) const;

  int folder_ = -1;
  bool has_openat2_ = true;
};

/// The path that a request target means, relative to the root and without leading slashes. Returns
/// its length, or 0 if the target is malformed; `into` is NUL-terminated.
using path_text = std::array<char, 4096>;
std::size_t decode_target(std::string_view target, path_text& into) noexcept;

} // namespace instar::file

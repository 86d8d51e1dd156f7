#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

namespace instar::http {

/// A file that lines are appended to, and that may be moved away at any time: then the next lines
/// go into a new one of its name. Past a size it is moved away here, to `NAME.1`, and that to
/// `NAME.2`, and so on.
///
/// Blocks; any thread.
class log_file {
public:
  struct options {
    std::filesystem::path path;
    std::uint64_t most_bytes = 0; ///< 0 = it is never moved away here
    unsigned kept = 4;            ///< of those that were moved away
  };

  /// Throws `std::system_error` naming the file if it cannot be written.
  explicit log_file(options how);
  ~log_file();
  log_file(const log_file&) = delete;
  log_file& operator=(const log_file&) = delete;

  /// Appends whole lines. Returns an empty text, or what went wrong; the lines are lost then.
  std::string append(std::string_view lines);

private:
  bool reopen_if_moved();
  void move_away();
  bool open();

  const options how_;
  std::mutex guard_;
  int fd_ = -1;
};

} // namespace instar::http

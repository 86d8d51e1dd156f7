#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace instar::test {

/// One line of a table of requests and the answers that they have to get; how it is written is said
/// at the beginning of `http_table.txt`.
struct table_row {
  int line = 0;
  std::string text;                  ///< as it stands there
  std::vector<std::string> requests; ///< bytes, with `{etag /x}` not yet replaced
  std::vector<int> statuses;
  std::vector<std::string> checks; ///< of the last answer
  /// How nginx answers, if it does so differently: its statuses, or empty if it is not to be asked.
  bool differs = false;
  std::vector<int> nginx;
};

/// Throws `std::runtime_error` naming the line that cannot be read.
std::vector<table_row> read_table(const std::filesystem::path& from);

/// The files that the table asks for.
void write_table_files(const std::filesystem::path& folder);

/// An answer as it came.
struct seen_answer {
  int status = 0;
  std::string head, body;

  /// Empty if there is no such field.
  std::string field(const std::string& name) const;
  bool has(const std::string& name) const;
};

/// How the bytes of a row are sent.
enum class sending { at_once, byte_by_byte };

/// Sends a row to 127.0.0.1 and compares. Returns what is wrong, one line each. `statuses` are
/// those that are expected; `only_statuses` leaves everything else unchecked.
std::vector<std::string> run_row(const table_row& row, std::uint16_t port, sending how,
                                 const std::vector<int>& statuses, bool only_statuses = false);

} // namespace instar::test

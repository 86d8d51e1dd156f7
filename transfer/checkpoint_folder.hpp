#pragma once

#include "transfer/checkpoint_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace instar {

/// A file of a folder that has the name of a checkpoint.
struct listed_checkpoint {
  checkpoint_info info; ///< if it is not whole: what its name and size say
  std::string damage;   ///< why it is not whole; empty if it is
};

/// All checkpoints of a folder, newest first, each read to its end. A folder that is not there has
/// none.
std::vector<listed_checkpoint> list_checkpoints(const std::filesystem::path& folder);

/// The newest checkpoint that is whole.
struct newest_checkpoint {
  std::optional<checkpoint_file> file; ///< nothing if there is none
  std::vector<failure> skipped;        ///< newer ones, and what is wrong with them
};
newest_checkpoint newest_whole(const std::filesystem::path& folder);

/// A folder that this process writes checkpoints into, and no other: a lock says so, which goes
/// with the process. One thread at a time.
class checkpoint_folder {
public:
  /// Makes the folder if it is not there. `disk` outlives it.
  static result<std::unique_ptr<checkpoint_folder>> claim(std::filesystem::path path,
                                                          checkpoint_disk& disk);
  checkpoint_folder(const checkpoint_folder&) = delete;
  checkpoint_folder& operator=(const checkpoint_folder&) = delete;
  ~checkpoint_folder();

  const std::filesystem::path& path() const { return path_; }

  /// Begins the next one. What is left of interrupted ones is removed before.
  result<checkpoint_writer> begin(std::uint64_t epoch);

  /// Takes one back that was committed.
  void remove(const std::filesystem::path& file) { disk_.remove(file); }

  /// Keeps the newest `keep` (at least one) and removes the others, but never the newest that is
  /// whole: it is read before anything is removed. Returns what could not be done.
  std::vector<failure> retain(std::size_t keep);

private:
  checkpoint_folder(std::filesystem::path path, checkpoint_disk& disk, int lock)
      : path_(std::move(path)), disk_(disk), lock_(lock) {}

  const std::filesystem::path path_;
  checkpoint_disk& disk_;
  const int lock_;
};

} // namespace instar

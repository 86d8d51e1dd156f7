#pragma once

#include <cstddef>
#include <filesystem>

namespace instar {

/// What writing a checkpoint needs of the file system: so that tests can make each step fail.
/// Results below 0 are negated error numbers.
class checkpoint_disk {
public:
  virtual ~checkpoint_disk();

  /// A new file that only this user may read, open for writing; in place of one of that name.
  virtual int create(const std::filesystem::path& file);
  /// How many bytes were taken: at least one, maybe fewer than `size`.
  virtual long write(int fd, const std::byte* bytes, std::size_t size);
  virtual int sync(int fd);
  virtual int close(int fd);
  virtual int rename(const std::filesystem::path& from, const std::filesystem::path& to);
  virtual int sync_folder(const std::filesystem::path& folder);
  virtual int remove(const std::filesystem::path& file);
};

} // namespace instar

#pragma once

#include "services/cache/page.hpp"
#include "transfer/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace instar::file_cache {

/// An open file whose pages may be cached. Any thread.
class cached_file {
public:
  /// A regular file. What others write into it afterwards may be seen or not.
  static result<std::shared_ptr<const cached_file>> open(const std::filesystem::path& path);
  ~cached_file();
  cached_file(const cached_file&) = delete;
  cached_file& operator=(const cached_file&) = delete;

  const file_identity& identity() const noexcept { return identity_; }
  /// Reads a page from the file itself. Past its end the page is empty.
  result<void> fetch(std::uint64_t number, page& into) const;

private:
  cached_file(int fd, file_identity identity, std::string path)
      : fd_(fd), identity_(identity), path_(std::move(path)) {}

  const int fd_;
  const file_identity identity_;
  const std::string path_;
};

} // namespace instar::file_cache

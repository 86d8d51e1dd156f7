#pragma once

#include "services/cache/cached_file.hpp"
#include "temporary_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace instar::test {

/// Files of which every byte is known from its place, and that of no other place nearby.
class made_files {
public:
  using open_file = std::shared_ptr<const file_cache::cached_file>;

  explicit made_files(const std::vector<std::size_t>& sizes) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      std::string content(sizes[i], '\0');
      for (std::size_t at = 0; at < content.size(); ++at)
        content[at] = static_cast<char>(byte_at(i, at));
      write(i, content);
      open_.push_back(open(i));
    }
  }

  static std::byte byte_at(std::size_t file, std::uint64_t at) {
    auto h = (at + 1) * 0x9e3779b97f4a7c15 + file * 0xbf58476d1ce4e5b9;
    h ^= h >> 29;
    return static_cast<std::byte>(h * 0x94d049bb133111eb >> 56);
  }
  static bool right(std::size_t file, std::uint64_t at, std::span<const std::byte> seen) {
    for (std::size_t i = 0; i < seen.size(); ++i)
      if (seen[i] != byte_at(file, at + i)) return false;
    return true;
  }

  const file_cache::cached_file& operator[](std::size_t i) const { return *open_.at(i); }
  std::string path(std::size_t i) const { return (folder_.path() / std::to_string(i)).string(); }
  void write(std::size_t i, const std::string& content) const {
    std::ofstream(path(i), std::ios::binary) << content;
  }
  open_file open(std::size_t i) const {
    auto file = file_cache::cached_file::open(path(i));
    if (!file) throw std::runtime_error(file.error().message);
    return *std::move(file);
  }

private:
  temporary_folder folder_;
  std::vector<open_file> open_;
};

} // namespace instar::test

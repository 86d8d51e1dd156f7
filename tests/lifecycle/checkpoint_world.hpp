#pragma once

#include "lifecycle/checkpoint_contents.hpp"
#include "lifecycle/checkpoint_store.hpp"
#include "protocol_world.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace instar::test {

/// A disk that fails when it is told to.
class failing_disk final : public checkpoint_disk {
public:
  bool fails_write = false, fails_sync = false, fails_rename = false;
  std::function<void()> syncing;

  long write(int fd, const std::byte* bytes, std::size_t size) override {
    return fails_write ? -ENOSPC : checkpoint_disk::write(fd, bytes, size);
  }
  int sync(int fd) override {
    if (syncing) syncing();
    return fails_sync ? -EIO : checkpoint_disk::sync(fd);
  }
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return fails_rename ? -EIO : checkpoint_disk::rename(from, to);
  }
};

/// A world that writes its checkpoints into a folder of its own.
struct checkpointed {
  explicit checkpointed(std::size_t limit = 1)
      : w(limit, [this](service_options& o) {
          auto claimed = checkpoint_store::claim(at.path(), &disk);
          REQUIRE(claimed);
          o.checkpoints = *claimed;
        }) {}

  std::shared_ptr<const checkpoint_contents> newest() const {
    auto found = newest_whole(at.path());
    REQUIRE(found.skipped.empty());
    REQUIRE(found.file);
    auto contents = checkpoint_contents::read(*std::move(found.file));
    REQUIRE_MESSAGE(contents, contents.error().message);
    return *contents;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(at.path()), {}));
  }

  temporary_folder at;
  failing_disk disk;
  world w;
};

inline std::shared_ptr<const restore_request>
from(std::shared_ptr<const checkpoint_contents> contents, std::vector<std::string> drop = {}) {
  return std::make_shared<const restore_request>(
      restore_request{std::move(contents), std::move(drop)});
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

} // namespace instar::test

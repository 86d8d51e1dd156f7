#pragma once

#include <cstdint>
#include <memory>

namespace instar {

/// An open descriptor, closed with the last reference. Host-owned: packets may carry it, and it
/// outlives every operator that has it.
class descriptor {
public:
  /// Takes it over.
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor();
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  int fd() const noexcept { return fd_; }
  /// What `descriptors::find` knows it by; 0 = it is not held there.
  std::uint64_t id() const noexcept { return id_; }

private:
  friend class descriptors;
  struct table;

  const int fd_;
  std::uint64_t id_ = 0;
  std::shared_ptr<table> held_in_;
};

} // namespace instar

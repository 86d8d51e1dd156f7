#include "transfer/checkpoint_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace instar {

namespace {

template <class Result>
Result or_error(Result got) {
  return got < 0 ? static_cast<Result>(-errno) : got;
}

} // namespace

checkpoint_disk::~checkpoint_disk() = default;

int checkpoint_disk::create(const std::filesystem::path& file) {
  return or_error(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
}

long checkpoint_disk::write(int fd, const std::byte* bytes, std::size_t size) {
  for (;;) {
    const auto taken = ::write(fd, bytes, size);
    if (taken >= 0 || errno != EINTR) return or_error(taken);
  }
}

int checkpoint_disk::sync(int fd) { return or_error(::fsync(fd)); }

int checkpoint_disk::close(int fd) { return or_error(::close(fd)); }

int checkpoint_disk::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  return or_error(::rename(from.c_str(), to.c_str()));
}

int checkpoint_disk::sync_folder(const std::filesystem::path& folder) {
  const int fd = or_error(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd < 0) return fd;
  const int done = or_error(::fsync(fd));
  ::close(fd);
  return done;
}

int checkpoint_disk::remove(const std::filesystem::path& file) {
  return or_error(::unlink(file.c_str()));
}

} // namespace instar

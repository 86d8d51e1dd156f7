#include "lifecycle/module_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string_view>

namespace instar {

namespace {

constexpr off_t largest = off_t{256} << 20;

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

private:
  int fd_;
};

} // namespace

result<module_file> module_file::read(const std::filesystem::path& path) {
  const auto fail = [&](errc code, const std::string& why) {
    return failure{code, "module " + path.string() + " " + why};
  };
  const descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0)
    return fail(errc::not_found, std::string("cannot be opened: ") + std::strerror(errno));
  struct stat about {};
  if (fstat(fd.get(), &about) != 0 || !S_ISREG(about.st_mode))
    return fail(errc::bad_input, "is no regular file; give a shared object");
  if (about.st_uid != 0 && about.st_uid != geteuid())
    return fail(errc::refused, "belongs to another user; it must belong to root or to the user "
                               "that runs the service");
  if (about.st_mode & (S_IWGRP | S_IWOTH))
    return fail(errc::refused, "is writable by others; remove that with chmod go-w");
  if (about.st_size > largest) return fail(errc::bad_input, "is over 256 MiB; strip it");

  const auto size = static_cast<std::size_t>(about.st_size);
  module_file file;
  file.memory = std::make_unique_for_overwrite<std::byte[]>(size);
  file.bytes = {file.memory.get(), size};
  std::size_t got = 0;
  while (got < size) {
    const auto n = ::read(fd.get(), file.memory.get() + got, size - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(errc::bad_input, "changed while it was read; try again");
    got += static_cast<std::size_t>(n);
  }
  file.content_hash = std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()});
  return file;
}

} // namespace instar

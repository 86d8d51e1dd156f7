#include "services/cache/cached_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace instar::file_cache {

namespace {

failure cannot(const char* what, const std::string& path, int error) {
  return {errc::system, std::string("cannot ") + what + " '" + path +
                            "': " + std::generic_category().message(error)};
}

} // namespace

result<std::shared_ptr<const cached_file>> cached_file::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return cannot("open", path.string(), errno);
  struct stat seen {};
  const int error = ::fstat(fd, &seen) == 0 ? 0 : errno;
  if (error != 0 || !S_ISREG(seen.st_mode)) {
    ::close(fd);
    if (error != 0) return cannot("look at", path.string(), error);
    return failure{errc::bad_input,
                   "'" + path.string() + "' is no regular file; only those can be cached"};
  }
  constexpr std::uint64_t second = 1'000'000'000;
  const file_identity is{seen.st_dev, seen.st_ino,
                         static_cast<std::uint64_t>(seen.st_ctim.tv_sec) * second +
                             static_cast<std::uint64_t>(seen.st_ctim.tv_nsec)};
  return std::shared_ptr<const cached_file>(new cached_file(fd, is, path.string()));
}

cached_file::~cached_file() { ::close(fd_); }

result<void> cached_file::fetch(std::uint64_t number, page& into) const {
  into.size = 0;
  while (into.size < page_bytes) {
    const auto got = ::pread(fd_, into.bytes.data() + into.size, page_bytes - into.size,
                             static_cast<off_t>(number * page_bytes + into.size));
    if (got == 0) break;
    if (got > 0) into.size += static_cast<std::uint32_t>(got);
    else if (errno != EINTR) return cannot("read", path_, errno);
  }
  return {};
}

} // namespace instar::file_cache

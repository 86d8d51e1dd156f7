#include "services/http/log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace instar::http {

log_file::log_file(options how) : how_(std::move(how)) {
  if (!open())
    throw std::system_error(errno, std::generic_category(),
                            "access log '" + how_.path.string() +
                                "' cannot be written; set another file");
}

log_file::~log_file() {
  if (fd_ >= 0) ::close(fd_);
}

bool log_file::open() {
  const int fd =
      ::open(how_.path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
  if (fd < 0) return false;
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  return true;
}

std::string log_file::append(std::string_view lines) {
  std::lock_guard lock(guard_);
  if (!reopen_if_moved()) return std::strerror(errno);
  while (!lines.empty()) {
    const auto done = ::write(fd_, lines.data(), lines.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return std::strerror(errno);
    lines.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

bool log_file::reopen_if_moved() {
  struct stat here {
  }, there{};
  if (::fstat(fd_, &here) != 0) return open();
  const bool present = ::stat(how_.path.c_str(), &there) == 0;
  if (!present || here.st_ino != there.st_ino || here.st_dev != there.st_dev) return open();
  if (how_.most_bytes == 0 || static_cast<std::uint64_t>(here.st_size) < how_.most_bytes)
    return true;
  move_away();
  return open();
}

void log_file::move_away() {
  const auto numbered = [&](unsigned n) { return how_.path.string() + "." + std::to_string(n); };
  for (unsigned n = how_.kept; n > 1; --n) ::rename(numbered(n - 1).c_str(), numbered(n).c_str());
  if (how_.kept > 0) ::rename(how_.path.c_str(), numbered(1).c_str());
  else ::unlink(how_.path.c_str());
}

} // namespace instar::http

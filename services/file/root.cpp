#include "services/file/root.hpp"

#include "services/file/content_type.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace instar::file {

namespace {

constexpr std::string_view index_name = "index.html";
// A FIFO must not block the caller, a terminal must not become the daemon's.
constexpr int open_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool has_parent_segment(std::string_view path) {
  for (std::size_t at = 0; at <= path.size();) {
    const auto slash = std::min(path.find('/', at), path.size());
    if (path.substr(at, slash - at) == "..") return true;
    at = slash + 1;
  }
  return false;
}

int status_of(int error) {
  switch (error) {
  case EMFILE:
  case ENFILE:
  case ENOMEM:
    return 503;
  case EIO:
    return 500;
  default: // whether it is missing or secret is nobody's business
    return 404;
  }
}

} // namespace

std::size_t decode_target(std::string_view target, path_text& into) noexcept {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return 0;
  std::size_t length = 0;
  for (std::size_t i = 1; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      if (i + 2 >= target.size()) return 0;
      const int high = hex_digit(target[i + 1]), low = hex_digit(target[i + 2]);
      if (high < 0 || low < 0) return 0;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return 0;
    if (c == '/' && length == 0) continue;
    // Room for "/index.html" and the NUL must remain.
    if (length + index_name.size() + 2 >= into.size()) return 0;
    into[length++] = c;
  }
  if (has_parent_segment({into.data(), length})) return 0;
  if (length == 0 || into[length - 1] == '/') {
    std::memcpy(into.data() + length, index_name.data(), index_name.size());
    length += index_name.size();
  }
  into[length] = '\0';
  return length;
}

root::root(const std::filesystem::path& folder)
    : folder_(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_ < 0)
    throw std::system_error(errno, std::generic_category(),
                            "root '" + folder.string() +
                                "' is not a folder that can be read; set another root");
  const int self = open_beneath(".");
  if (self >= 0) ::close(self);
  else if (errno == ENOSYS || errno == EPERM) has_openat2_ = false; // old kernel, or a filter
}

root::~root() { ::close(folder_); }

opened root::open(std::string_view target) const {
  path_text path;
  auto length = decode_target(target, path);
  if (length == 0) return {.status = 400};
  for (int tries = 0;; ++tries) {
    const int fd = has_openat2_ ? open_beneath(path.data()) : open_stepwise(path.data());
    if (fd < 0) return {.status = status_of(errno)};
    struct stat about {};
    if (::fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
      return {.fd = fd,
              .size = static_cast<std::uint64_t>(about.st_size),
              .modified = about.st_mtim.tv_sec,
              .content_type = content_type({path.data(), length})};
    ::close(fd);
    if (!S_ISDIR(about.st_mode) || tries > 0) return {.status = 404};
    path[length++] = '/';
    std::memcpy(path.data() + length, index_name.data(), index_name.size());
    length += index_name.size();
    path[length] = '\0';
  }
}

int root::open_beneath(const char* path) const {
  open_how how{};
  how.flags = open_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // A rename during the walk makes the kernel give up with EAGAIN rather than guess.
  for (int tries = 0; tries < 8; ++tries) {
    const auto fd = ::syscall(SYS_openat2, folder_, path, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN) return static_cast<int>(fd);
  }
  return -1;
}

int root::open_stepwise(const char* path) const {
  int at = folder_;
  std::string_view left = path;
  while (true) {
    const auto slash = left.find('/');
    const std::string step(left.substr(0, slash));
    const bool last = slash == std::string_view::npos;
    const int flags = last ? open_flags : O_PATH | O_DIRECTORY | O_CLOEXEC;
    const int next =
        step.empty() || step == "." ? ::dup(at) : ::openat(at, step.c_str(), flags | O_NOFOLLOW);
    if (at != folder_) {
      const int error = errno;
      ::close(at);
      errno = error;
    }
    if (next < 0 || last) return next;
    at = next;
    left.remove_prefix(slash + 1);
  }
}

} // namespace instar::file

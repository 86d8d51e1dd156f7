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
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace instar::file {

namespace {

constexpr std::string_view variant_end = ".gz";
/// Room that a decoded path leaves for the name of an index file, `.gz` and the NUL.
constexpr std::size_t room_behind = 128;
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

std::optional<std::size_t> decode_target(std::string_view target, path_text& into) noexcept {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return std::nullopt;
  std::size_t length = 0;
  for (std::size_t i = 1; i < target.size(); ++i) {
    char c = target[i];
    if (c == '%') {
      if (i + 2 >= target.size()) return std::nullopt;
      const int high = hex_digit(target[i + 1]), low = hex_digit(target[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    if (c == '/' && length == 0) continue;
    if (length + room_behind >= into.size()) return std::nullopt;
    into[length++] = c;
  }
  if (has_parent_segment({into.data(), length})) return std::nullopt;
  into[length] = '\0';
  return length;
}

root::root(const std::filesystem::path& folder, std::string_view index)
    : folder_(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_ < 0)
    throw std::system_error(errno, std::generic_category(),
                            "root '" + folder.string() +
                                "' is not a folder that can be read; set another root");
  const int self = open_beneath(".");
  if (self >= 0) ::close(self);
  else if (errno == ENOSYS || errno == EPERM) has_openat2_ = false; // old kernel, or a filter
  std::istringstream names{std::string(index)};
  for (std::string name; names >> name;) {
    if (name.size() + variant_end.size() + 1 > room_behind || name.find('/') != std::string::npos) {
      ::close(folder_);
      throw std::invalid_argument("index '" + name +
                                  "' is no name of a file; give some such as index.html");
    }
    index_.push_back(std::move(name));
  }
}

root::~root() { ::close(folder_); }

opened root::open(std::string_view target, bool gzip) const {
  path_text path;
  const auto decoded = decode_target(target, path);
  if (!decoded) return {.status = 400};
  auto length = *decoded;
  const bool folder = length == 0 || path[length - 1] == '/';
  auto found = folder ? open_index(path, length, length) : open_file(path, length);
  if (found.status != 0) return found;
  found.content_type = content_type({path.data(), length});
  if (gzip && compressible(found.content_type)) open_variant(path, length, found);
  return found;
}

opened root::open_file(path_text& path, std::size_t length) const {
  path[length] = '\0';
  const int fd = open_at(path.data());
  if (fd < 0) return {.status = status_of(errno)};
  struct stat about {};
  const bool known = ::fstat(fd, &about) == 0;
  if (known && S_ISREG(about.st_mode))
    return {.fd = fd,
            .size = static_cast<std::uint64_t>(about.st_size),
            .modified = about.st_mtim.tv_sec,
            .modified_fraction = static_cast<std::uint32_t>(about.st_mtim.tv_nsec)};
  ::close(fd);
  return {.status = known && S_ISDIR(about.st_mode) ? 301 : 404};
}

opened root::open_index(path_text& path, std::size_t length, std::size_t& with_index) const {
  for (const auto& name : index_) {
    std::memcpy(path.data() + length, name.data(), name.size());
    with_index = length + name.size();
    const auto found = open_file(path, with_index);
    if (found.status == 0 || found.status >= 500) return found;
  }
  return {.status = 404};
}

/// Older than the file it cannot be its compressed form.
void root::open_variant(path_text& path, std::size_t length, opened& found) const {
  std::memcpy(path.data() + length, variant_end.data(), variant_end.size());
  auto variant = open_file(path, length + variant_end.size());
  path[length] = '\0';
  if (variant.status != 0) return;
  if (std::pair(variant.modified, variant.modified_fraction) <
      std::pair(found.modified, found.modified_fraction)) {
    ::close(variant.fd);
    return;
  }
  ::close(found.fd);
  variant.content_type = found.content_type;
  variant.gzipped = true;
  found = variant;
}

int root::open_at(const char* path) const {
  return has_openat2_ ? open_beneath(path) : open_stepwise(path);
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

#include "lifecycle/admin_socket.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace instar {

namespace {

/// A file descriptor that is closed at the end of its scope.
class scoped_fd {
public:
  explicit scoped_fd(int fd) : fd_(fd) {}
  ~scoped_fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  scoped_fd(const scoped_fd&) = delete;
  scoped_fd& operator=(const scoped_fd&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

failure wrong(errc code, const std::filesystem::path& path, const std::string& what) {
  return {code, "admin socket " + path.string() + ": " + what};
}

failure system_error(const std::filesystem::path& path, const char* call) {
  return wrong(errc::system, path, std::string(call) + ": " + std::strerror(errno));
}

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }

/// Makes room at `path`: nothing there, or a socket that nobody listens on any more.
result<void> remove_stale(const std::filesystem::path& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return errno == ENOENT ? result<void>() : system_error(path, "lstat");
  if (!S_ISSOCK(found.st_mode))
    return wrong(errc::refused, path,
                 "there is a file of this name that is no socket; move it away or choose another "
                 "path with --admin");
  const scoped_fd probe(new_socket());
  if (probe.get() < 0) return system_error(path, "socket");
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(probe.get(), to, sizeof address) == 0 || errno == EAGAIN)
    return wrong(errc::refused, path,
                 "another process serves here; stop it or choose another path with --admin");
  if (errno != ECONNREFUSED) return system_error(path, "connect");
  if (::unlink(path.c_str()) != 0) return system_error(path, "unlink");
  return {};
}

} // namespace

result<admin_socket> admin_socket::claim(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.native().size() >= sizeof address.sun_path)
    return wrong(errc::bad_input, path,
                 "the path must have 1 to " + std::to_string(sizeof address.sun_path - 1) +
                     " bytes; choose a shorter one with --admin");
  std::memcpy(address.sun_path, path.c_str(), path.native().size());

  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error(folder, "mkdir");
  // Between the look at a stale socket and `bind` nobody else may look: the folder is the lock.
  const scoped_fd lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) return system_error(folder, "open");
  if (::flock(lock.get(), LOCK_EX) != 0) return system_error(folder, "flock");

  if (auto room = remove_stale(path, address); !room) return room.error();
  scoped_fd socket(new_socket());
  if (socket.get() < 0) return system_error(path, "socket");
  // The mode set before `bind` is the mode the file is created with.
  if (::fchmod(socket.get(), 0600) != 0) return system_error(path, "fchmod");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(path, "bind");
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return system_error(path, "lstat");
  admin_socket claimed(socket.release(), path, made.st_dev, made.st_ino);
  if ((made.st_mode & 07777) != 0600)
    return wrong(errc::refused, path, "could not be created with mode 0600; is the umask right?");
  if (::listen(claimed.fd_, 16) != 0) return system_error(path, "listen");
  return claimed;
}

admin_socket::admin_socket(int fd, std::filesystem::path path, dev_t device, ino_t inode)
    : fd_(fd), path_(std::move(path)), device_(device), inode_(inode) {}

admin_socket::admin_socket(admin_socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)), device_(other.device_),
      inode_(other.inode_) {}

admin_socket::~admin_socket() {
  if (fd_ < 0) return;
  struct stat now {};
  if (::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_)
    ::unlink(path_.c_str());
  ::close(fd_);
}

bool socket_peer::may_administer() const { return uid == 0 || uid == ::geteuid(); }

std::string socket_peer::name() const {
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  const auto user = found ? std::string(found->pw_name) : "uid " + std::to_string(uid);
  return user + "(" + std::to_string(pid) + ")";
}

} // namespace instar

#pragma once

#include "transfer/result.hpp"

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace instar {

/// A Unix socket that listens on a path which this process owns until the object is destroyed.
///
/// The socket's mode is 0600 from the moment it exists. A folder that is missing is made with mode
/// 0700. The socket of another process that still listens is left alone and refused, one that
/// nobody listens on any more is replaced, anything that is no socket is refused. Two processes
/// that claim the same path at the same time cannot both get it.
class admin_socket {
public:
  static result<admin_socket> claim(const std::filesystem::path& path);

  admin_socket(admin_socket&& other) noexcept;
  admin_socket& operator=(admin_socket&&) = delete;
  /// Closes it, and removes the path if it is still this socket.
  ~admin_socket();

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }

private:
  admin_socket(int fd, std::filesystem::path path, dev_t device, ino_t inode);

  int fd_ = -1;
  std::filesystem::path path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// Who is at the other end of a connected Unix socket.
struct socket_peer {
  uid_t uid = 0;
  pid_t pid = 0;

  /// Root, or the user that runs this process.
  bool may_administer() const;
  /// `user(pid)`, for logs and the history.
  std::string name() const;
};

} // namespace instar

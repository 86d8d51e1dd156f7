#include "lifecycle/admin_socket.hpp"

#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <optional>

using namespace instar;

namespace {

struct stat status_of(const std::filesystem::path& path) {
  struct stat s {};
  REQUIRE(::lstat(path.c_str(), &s) == 0);
  return s;
}

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

/// A socket file whose owner died: bound, and nobody listens.
void leave_stale_socket(const std::filesystem::path& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const auto address = address_of(path);
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(fd);
}

bool somebody_listens(const std::filesystem::path& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  const auto address = address_of(path);
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

} // namespace

TEST_CASE("the socket has mode 0600 whatever the umask, and goes with its owner") {
  temporary_folder folder;
  const auto path = folder.path() / "run" / "admin.sock";
  const auto before = ::umask(0);
  {
    const auto socket = admin_socket::claim(path);
    REQUIRE(socket);
    CHECK((status_of(path).st_mode & 07777) == 0600);
    CHECK((status_of(path.parent_path()).st_mode & 07777) == 0700);
  }
  ::umask(before);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a umask that takes rights from the owner is refused, and leaves nothing behind") {
  temporary_folder folder;
  const auto path = folder.path() / "admin.sock";
  const auto before = ::umask(0277);
  const auto socket = admin_socket::claim(path);
  ::umask(before);
  CHECK_FALSE(socket);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket that nobody listens on any more is replaced") {
  temporary_folder folder;
  const auto path = folder.path() / "admin.sock";
  leave_stale_socket(path);
  CHECK_FALSE(somebody_listens(path));
  const auto socket = admin_socket::claim(path);
  REQUIRE(socket);
  CHECK(somebody_listens(path));
}

TEST_CASE("a socket that another still serves is refused and left alone") {
  temporary_folder folder;
  const auto path = folder.path() / "admin.sock";
  const auto first = admin_socket::claim(path);
  REQUIRE(first);
  const auto second = admin_socket::claim(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("another process serves here") != std::string::npos);
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a file that is no socket is refused and left alone") {
  temporary_folder folder;
  const auto path = folder.path() / "admin.sock";
  std::ofstream(path) << "precious";
  const auto socket = admin_socket::claim(path);
  REQUIRE_FALSE(socket);
  CHECK(socket.error().message.find("no socket") != std::string::npos);
  std::string content;
  std::ifstream(path) >> content;
  CHECK(content == "precious");

  const auto link = folder.path() / "link.sock";
  std::filesystem::create_symlink(path, link);
  CHECK_FALSE(admin_socket::claim(link));
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a path that is another's by now is not removed") {
  temporary_folder folder;
  const auto path = folder.path() / "admin.sock";
  {
    const auto socket = admin_socket::claim(path);
    REQUIRE(socket);
    std::filesystem::remove(path);
    std::ofstream(path) << "somebody else's";
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a path that is too long or has no folder is refused in words") {
  const auto longer = admin_socket::claim(std::string(200, 'x'));
  REQUIRE_FALSE(longer);
  CHECK(longer.error().message.find("107") != std::string::npos);
  CHECK_FALSE(admin_socket::claim(""));
  CHECK_FALSE(admin_socket::claim("/does/not/exist/admin.sock"));
}

TEST_CASE("only root and the own user may administer") {
  CHECK(socket_peer{0, 1}.may_administer());
  CHECK(socket_peer{::geteuid(), 1}.may_administer());
  CHECK_FALSE(socket_peer{::geteuid() + 12345, 1}.may_administer());
  CHECK(socket_peer{0, 17}.name() == "root(17)");
  CHECK(socket_peer{4'000'000'000u, 17}.name() == "uid 4000000000(17)");
}

// Asks nginx what the table asks this server: where it answers otherwise, the table says so and
// why.
#include "services/http_table.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

using namespace instar;
using namespace instar::test;
namespace fs = std::filesystem;

namespace {

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
  socklen_t size = sizeof at;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(fd);
  return ntohs(at.sin_port);
}

bool listens(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  ::close(fd);
  return there;
}

/// One worker with the same limits, as far as it has them.
class nginx {
public:
  nginx(const char* program, const fs::path& home, const fs::path& www) : port(free_port()) {
    const auto h = home.string();
    std::ofstream(home / "nginx.conf")
        << (::getuid() == 0 ? "user root;\n" : "") << "worker_processes 1;\ndaemon off;\npid " << h
        << "/pid;\nerror_log " << h << "/error.log;\nevents {}\nhttp {\n  access_log off;\n"
        << "  sendfile on;\n  keepalive_requests 100000;\n  gzip_static on;\n  gzip_vary on;\n"
        << "  max_ranges 32;\n  client_max_body_size 64k;\n"
        << "  client_header_buffer_size 4k;\n  large_client_header_buffers 4 16k;\n"
        << "  if_modified_since before;\n  types { text/html html; text/plain txt; }\n"
        << "  client_body_temp_path " << h << "/1;\n  proxy_temp_path " << h
        << "/2;\n  fastcgi_temp_path " << h << "/3;\n  uwsgi_temp_path " << h
        << "/4;\n  scgi_temp_path " << h << "/5;\n  server { listen 127.0.0.1:" << port << "; root "
        << www.string() << "; }\n}\n";
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto config = h + "/nginx.conf", log = h + "/error.log";
      ::execl(program, program, "-e", log.c_str(), "-c", config.c_str(), nullptr);
      ::_exit(127);
    }
    for (int tries = 0; tries < 1000 && !listens(port); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ~nginx() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  const std::uint16_t port;

private:
  pid_t pid_ = -1;
};

} // namespace

TEST_CASE("nginx answers the table alike, but for the differences that it lists") {
  constexpr const char* program = "/usr/sbin/nginx";
  if (::access(program, X_OK) != 0) {
    MESSAGE("nginx is not installed: nothing is compared");
    return;
  }
  temporary_folder folder;
  const auto www = folder.path() / "www";
  fs::create_directories(www);
  write_table_files(www);
  const nginx other(program, folder.path(), www);
  REQUIRE(listens(other.port));
  std::size_t alike = 0;
  for (const auto& row : read_table(HTTP_TABLE)) {
    if (row.differs && row.nginx.empty()) continue;
    const auto& expected = row.differs ? row.nginx : row.statuses;
    for (const auto& wrong : run_row(row, other.port, sending::at_once, expected, true))
      FAIL_CHECK("line ", row.line, ": ", row.text, "\n  ", wrong);
    alike += row.differs ? 0 : 1;
  }
  MESSAGE(alike << " of the table's requests are answered alike");
  CHECK(alike > 200);
}

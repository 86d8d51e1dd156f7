#include "targets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <stdexcept>

namespace instar::load {

namespace {

std::string_view map_file(const std::filesystem::path& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd < 0 || ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    if (fd >= 0) ::close(fd);
    throw std::runtime_error(file.string() + ": no readable file; give --root the folder served");
  }
  auto size = static_cast<std::size_t>(info.st_size);
  void* at = nullptr;
  if (size > 0) at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED)
    throw std::runtime_error(file.string() + ": cannot be mapped; raise vm.max_map_count");
  return {static_cast<const char*>(at), size};
}

} // namespace

endpoint parse_url(std::string_view url) {
  auto fail = [&](const char* why) -> std::runtime_error {
    return std::runtime_error("'" + std::string(url) + "': " + why +
                              "; give http://127.0.0.1:PORT/PATH");
  };
  constexpr std::string_view scheme = "http://";
  if (url.substr(0, scheme.size()) != scheme) throw fail("no http URL");
  auto rest = url.substr(scheme.size());
  auto slash = rest.find('/');
  endpoint to;
  to.host = rest.substr(0, slash);
  to.path = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  auto colon = to.host.find(':');
  std::uint16_t port = 80;
  if (colon != std::string::npos) {
    const char *begin = to.host.data() + colon + 1, *end = to.host.data() + to.host.size();
    auto [stop, error] = std::from_chars(begin, end, port);
    if (error != std::errc() || stop != end || port == 0) throw fail("no port number");
  }
  auto address = to.host.substr(0, colon);
  if (address == "localhost") address = "127.0.0.1";
  to.address.sin_family = AF_INET;
  to.address.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &to.address.sin_addr) != 1)
    throw fail("no IPv4 address");
  return to;
}

std::string expand(std::string_view pattern, std::size_t number) {
  auto open = pattern.find('{');
  auto close = pattern.find('}', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos)
    return std::string(pattern);
  std::size_t digits = 0;
  std::from_chars(pattern.data() + open + 1, pattern.data() + close, digits);
  auto text = std::to_string(number);
  if (text.size() < digits && digits < 20) text.insert(0, digits - text.size(), '0');
  return std::string(pattern.substr(0, open)) + text + std::string(pattern.substr(close + 1));
}

target_set::~target_set() {
  for (auto bytes : mapped_)
    if (!bytes.empty()) ::munmap(const_cast<char*>(bytes.data()), bytes.size());
}

void target_set::add(const std::string& path, const std::filesystem::path& root) {
  target t;
  t.request = "GET " + path + " HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n";
  if (!root.empty()) {
    mapped_.push_back(map_file(root / std::filesystem::path(path).relative_path()));
    t.expected.body = mapped_.back();
  }
  targets_.push_back(std::move(t));
}

} // namespace instar::load

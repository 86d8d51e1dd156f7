#include "actors/code_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace instar {

namespace {

struct kept_files {
  std::mutex guard;
  std::map<std::string, int> by_name;
};

kept_files& kept() {
  static auto& files = *new kept_files; // modules may go after static objects
  return files;
}

} // namespace

code_file::code_file(std::string name)
    : name_(std::move(name)), fd_(::open(name_.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) return; // then its functions have no names
  std::lock_guard lock(kept().guard);
  kept().by_name[name_] = fd_;
}

code_file::~code_file() {
  if (fd_ < 0) return;
  std::lock_guard lock(kept().guard);
  kept().by_name.erase(name_);
  ::close(fd_);
}

std::string code_file::path_of(const std::string& name) {
  std::lock_guard lock(kept().guard);
  const auto found = kept().by_name.find(name);
  return found == kept().by_name.end() ? name : "/proc/self/fd/" + std::to_string(found->second);
}

} // namespace instar

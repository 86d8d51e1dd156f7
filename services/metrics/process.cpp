#include "services/metrics/process.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>

/// Only there if the program is linked with jemalloc.
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old, std::size_t* old_size,
                                             void* fresh, std::size_t fresh_size);

namespace instar::metrics_page {

namespace {

std::uint64_t count_open_files() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return 0;
  std::uint64_t count = 0;
  while (const auto* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count - (count > 0); // but the one that it was read by
}

/// The number after this word at the beginning of a line.
double number_after(const char* path, const std::string& word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(word)) return std::strtod(line.c_str() + word.size(), nullptr);
  return 0;
}

bool read(const char* name, std::uint64_t& into) {
  std::size_t value = 0, size = sizeof value;
  if (mallctl(name, &value, &size, nullptr, 0) != 0) return false;
  into = value;
  return true;
}

} // namespace

process_usage read_process_usage() {
  process_usage seen;
  seen.open_files = count_open_files();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) seen.most_files = files.rlim_cur;
  std::string line;
  std::getline(std::ifstream("/proc/self/stat"), line);
  // The name, in brackets, may contain anything; see proc(5) for what follows it.
  if (const auto name_end = line.rfind(')'); name_end != std::string::npos) {
    std::istringstream fields(line.substr(name_end + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0, system = 0, started = 0;
    fields >> user >> system; // 14, 15
    for (int i = 16; i < 20; ++i) fields >> skipped;
    fields >> seen.threads >> skipped >> started; // 20, 22
    std::uint64_t resident_pages = 0;
    fields >> seen.virtual_bytes >> resident_pages; // 23, 24
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    seen.cpu_seconds = (user + system) / ticks;
    seen.started = number_after("/proc/stat", "btime ") + started / ticks;
    seen.resident_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  return seen;
}

std::optional<heap_usage> read_heap_usage() {
  if (!mallctl) return std::nullopt;
  std::uint64_t epoch = 1; // to be set, so that the numbers are those of now
  if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch) != 0) return std::nullopt;
  heap_usage seen;
  const bool all = read("stats.allocated", seen.allocated) && read("stats.active", seen.active) &&
                   read("stats.metadata", seen.metadata) && read("stats.resident", seen.resident) &&
                   read("stats.mapped", seen.mapped) && read("stats.retained", seen.retained);
  if (!all) return std::nullopt; // built without statistics
  return seen;
}

} // namespace instar::metrics_page

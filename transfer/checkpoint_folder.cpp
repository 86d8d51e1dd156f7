#include "transfer/checkpoint_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace instar {

namespace {

failure trouble(const std::filesystem::path& folder, const std::string& why) {
  return {errc::system, "checkpoint folder " + folder.string() + ": " + why};
}

struct content {
  std::vector<checkpoint_info> checkpoints; ///< by name, newest first
  std::vector<std::filesystem::path> leftovers;
  std::error_code error;
};

content look_into(const std::filesystem::path& folder) {
  content found;
  std::filesystem::directory_iterator files(folder, found.error), end;
  for (; !found.error && files != end; files.increment(found.error)) {
    if (is_checkpoint_leftover(files->path())) found.leftovers.push_back(files->path());
    auto info = parse_checkpoint_name(files->path());
    if (info.number == 0) continue;
    std::error_code gone;
    const auto bytes = files->file_size(gone);
    if (!gone) info.bytes = bytes;
    found.checkpoints.push_back(std::move(info));
  }
  std::sort(found.checkpoints.begin(), found.checkpoints.end(),
            [](const checkpoint_info& a, const checkpoint_info& b) { return a.number > b.number; });
  return found;
}

} // namespace

std::vector<listed_checkpoint> list_checkpoints(const std::filesystem::path& folder) {
  std::vector<listed_checkpoint> list;
  for (auto& info : look_into(folder).checkpoints) {
    const auto opened = checkpoint_file::open(info.file);
    if (opened) list.push_back({opened->info(), {}});
    else list.push_back({std::move(info), opened.error().message});
  }
  return list;
}

newest_checkpoint newest_whole(const std::filesystem::path& folder) {
  newest_checkpoint found;
  for (const auto& info : look_into(folder).checkpoints) {
    auto opened = checkpoint_file::open(info.file);
    if (opened) {
      found.file.emplace(*std::move(opened));
      break;
    }
    found.skipped.push_back(opened.error());
  }
  return found;
}

result<std::unique_ptr<checkpoint_folder>> checkpoint_folder::claim(std::filesystem::path path,
                                                                    checkpoint_disk& disk) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return trouble(path, "cannot be made: " + error.message() + "; name another one");
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return trouble(path, std::string("cannot be opened: ") + std::strerror(errno) +
                             "; name a folder that this user may write");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int why = errno;
    ::close(fd);
    if (why == EWOULDBLOCK)
      return trouble(path, "another process writes checkpoints into it; name another one");
    return trouble(path, std::string("cannot be locked: ") + std::strerror(why));
  }
  return std::unique_ptr<checkpoint_folder>(new checkpoint_folder(std::move(path), disk, fd));
}

checkpoint_folder::~checkpoint_folder() { ::close(lock_); }

result<checkpoint_writer> checkpoint_folder::begin(std::uint64_t epoch) {
  const auto found = look_into(path_);
  if (found.error)
    return trouble(path_, "cannot be read: " + found.error.message() + "; see to the folder");
  // One that cannot be removed does no harm: its name will not be used again.
  for (const auto& left : found.leftovers) disk_.remove(left);
  std::uint64_t last = found.checkpoints.empty() ? 0 : found.checkpoints.front().number;
  for (const auto& left : found.leftovers)
    last = std::max(last, parse_checkpoint_name(left.stem()).number);
  return checkpoint_writer::begin(disk_, path_, last + 1, epoch);
}

std::vector<failure> checkpoint_folder::retain(std::size_t keep) {
  std::vector<failure> troubles;
  const auto all = look_into(path_).checkpoints;
  keep = std::max<std::size_t>(1, keep);
  if (all.size() <= keep) return troubles;
  const auto newest = newest_whole(path_);
  const auto whole = newest.file ? newest.file->info().number : 0;
  for (const auto& wrong : newest.skipped) troubles.push_back(wrong);
  if (whole == 0) return troubles;
  for (std::size_t i = keep; i < all.size(); ++i) {
    if (all[i].number >= whole) continue;
    if (const int done = disk_.remove(all[i].file); done < 0)
      troubles.push_back(trouble(path_, "cannot remove " + all[i].file.filename().string() + ": " +
                                            std::strerror(-done)));
  }
  return troubles;
}

} // namespace instar

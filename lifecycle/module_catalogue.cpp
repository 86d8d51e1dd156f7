#include "lifecycle/module_file.hpp"
#include "lifecycle/module_loader.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace instar {

/// What was found in a file, valid while the file stays the same.
struct module_catalogue::seen {
  struct identity {
    dev_t device;
    ino_t inode;
    off_t size;
    timespec changed; ///< content or permissions: both decide whether it can be read

    bool operator==(const identity& other) const {
      return device == other.device && inode == other.inode && size == other.size &&
             changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
    }
  };

  std::filesystem::path file;
  identity version;
  result<manifest> content;
  std::uint64_t hash;
};

namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& place) {
  std::error_code error;
  if (!std::filesystem::is_directory(place, error)) return {place};
  std::vector<std::filesystem::path> files;
  for (auto at = std::filesystem::directory_iterator(place, error);
       !error && at != std::filesystem::directory_iterator(); at.increment(error))
    if (at->path().extension() == ".so") files.push_back(at->path());
  if (error) return {place}; // reading it as a file tells why not
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

void module_catalogue::set_places(std::vector<std::filesystem::path> places) {
  places_ = std::move(places);
}

/// Reads what is new or has changed since the last time.
void module_catalogue::refresh() {
  if (!cache_) cache_ = std::make_shared<std::vector<seen>>();
  auto former = std::exchange(*cache_, {});
  for (const auto& place : places_)
    for (const auto& file : files_in(place)) {
      const auto same_file = [&](const seen& s) { return s.file == file; };
      if (std::any_of(cache_->begin(), cache_->end(), same_file)) continue;
      struct stat about {};
      if (stat(file.c_str(), &about) != 0) about = {};
      const seen::identity version{about.st_dev, about.st_ino, about.st_size, about.st_ctim};
      const auto known = std::find_if(former.begin(), former.end(), [&](const seen& s) {
        return s.file == file && s.version == version && about.st_ino != 0;
      });
      if (known != former.end()) {
        cache_->push_back(std::move(*known));
        continue;
      }
      auto read = module_file::read(file);
      if (!read) cache_->push_back({file, version, read.error(), 0});
      else cache_->push_back({file, version, read_manifest(read->bytes, file), read->content_hash});
    }
}

namespace {

/// For messages: a folder of a hundred strange files is not told in full.
template <class Items>
std::string join(const Items& items, std::size_t most = 8) {
  std::string text;
  std::size_t count = 0;
  for (const auto& item : items)
    if (++count <= most) text += (text.empty() ? "" : ", ") + item;
  if (count > most) text += " and " + std::to_string(count - most) + " more";
  return text;
}

} // namespace

result<module_catalogue::entry> module_catalogue::find(std::string_view type,
                                                       std::uint32_t version) {
  refresh();
  const auto reference = std::string(type) + "@" + std::to_string(version);
  std::optional<entry> found;
  std::uint64_t found_hash = 0;
  std::set<std::string> others;
  std::vector<std::string> unreadable;
  for (const auto& s : *cache_) {
    if (!s.content) {
      unreadable.push_back(s.content.error().message);
      continue;
    }
    if (auto fits = check_host(*s.content, s.file); !fits) {
      unreadable.push_back(fits.error().message);
      continue;
    }
    for (const auto& op : s.content->operators) {
      if (op.name != type) continue;
      if (op.version != version) {
        others.insert(op.reference());
        continue;
      }
      if (found && found_hash != s.hash)
        return failure{errc::refused, reference + " is brought by two different modules, " +
                                          found->file.string() + " and " + s.file.string() +
                                          "; remove one of them"};
      if (!found) {
        found = entry{op, s.file};
        found_hash = s.hash;
      }
    }
  }
  if (found) return std::move(*found);

  std::vector<std::string> places;
  for (const auto& p : places_) places.push_back(p.string());
  std::string why = "no module brings " + reference;
  if (!others.empty()) why += "; there is " + join(others);
  else why += places.empty() ? "; the graph names no modules" : "; looked in " + join(places);
  if (!unreadable.empty()) why += " (passed over: " + join(unreadable) + ")";
  return failure{errc::not_found, why};
}

std::vector<operator_description> module_catalogue::versions(std::string_view type) {
  refresh();
  struct candidate {
    operator_description type;
    std::uint64_t hash;
    bool ambiguous;
  };
  std::map<std::uint32_t, candidate> found;
  for (const auto& s : *cache_) {
    if (!s.content || !check_host(*s.content, s.file)) continue;
    for (const auto& op : s.content->operators) {
      if (op.name != type) continue;
      const auto [at, fresh] = found.try_emplace(op.version, candidate{op, s.hash, false});
      if (!fresh) at->second.ambiguous |= at->second.hash != s.hash;
    }
  }
  std::vector<operator_description> clear;
  for (auto& [version, one] : found)
    if (!one.ambiguous) clear.push_back(std::move(one.type));
  return clear;
}

std::vector<module_catalogue::entry> module_catalogue::all() {
  refresh();
  std::vector<entry> entries;
  for (const auto& s : *cache_)
    if (s.content && check_host(*s.content, s.file))
      for (const auto& op : s.content->operators) entries.push_back({op, s.file});
  return entries;
}

} // namespace instar

#include "lifecycle/module_file.hpp"
#include "lifecycle/module_loader.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
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

  static seen look_into(const std::filesystem::path& file, const identity& version) {
    auto read = module_file::read(file);
    if (!read) return {file, version, read.error(), 0};
    return {file, version, read_manifest(read->bytes, file), read->content_hash};
  }

  std::filesystem::path file;
  identity version;
  result<manifest> content;
  std::uint64_t hash;
};

struct module_catalogue::memory {
  std::unordered_map<std::string, seen> files; ///< by path
  std::vector<const seen*> in_order;           ///< of the places, and of names in a folder
};

namespace {

struct folder_closer {
  void operator()(DIR* folder) const { closedir(folder); }
};

/// Every order looks at all files, some of them more than once: so without `std::filesystem`, whose
/// paths take longer to make and to compare than all else.
std::vector<std::string> files_in(const std::filesystem::path& place) {
  constexpr std::string_view ending = ".so";
  const std::unique_ptr<DIR, folder_closer> folder(opendir(place.c_str()));
  if (!folder) return {place.native()}; // a file, or reading it as one tells why not
  const auto within = (place / "").native();
  std::vector<std::string> files;
  errno = 0;
  while (const dirent* const entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name.size() > ending.size() && name.ends_with(ending)) files.push_back(within + name);
  }
  if (errno != 0) return {place.native()};
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

void module_catalogue::set_places(std::vector<std::filesystem::path> places) {
  places_ = std::move(places);
}

/// Reads what is new or has changed since the last time.
void module_catalogue::refresh() {
  if (!memory_) memory_ = std::make_shared<memory>();
  auto former = std::exchange(*memory_, {});
  auto& [files, in_order] = *memory_;
  for (const auto& place : places_)
    for (const auto& file : files_in(place)) {
      if (files.contains(file)) continue;
      struct stat about {};
      if (stat(file.c_str(), &about) != 0) about = {};
      const seen::identity version{about.st_dev, about.st_ino, about.st_size, about.st_ctim};
      auto known = former.files.extract(file);
      const bool same = known && known.mapped().version == version && about.st_ino != 0;
      const auto at = same ? files.insert(std::move(known)).position
                           : files.try_emplace(file, seen::look_into(file, version)).first;
      in_order.push_back(&at->second);
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
  for (const auto* const at : memory_->in_order) {
    const auto& s = *at;
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
  for (const auto* const s : memory_->in_order) {
    if (!s->content || !check_host(*s->content, s->file)) continue;
    for (const auto& op : s->content->operators) {
      if (op.name != type) continue;
      const auto [at, fresh] = found.try_emplace(op.version, candidate{op, s->hash, false});
      if (!fresh) at->second.ambiguous |= at->second.hash != s->hash;
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
  for (const auto* const s : memory_->in_order)
    if (s->content && check_host(*s->content, s->file))
      for (const auto& op : s->content->operators) entries.push_back({op, s->file});
  return entries;
}

} // namespace instar

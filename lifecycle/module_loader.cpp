#include "lifecycle/module_loader.hpp"

#include "actors/code_file.hpp"
#include "actors/module.hpp"
#include "lifecycle/module_file.hpp"

#include <spdlog/spdlog.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

namespace instar {

namespace {

bool is_mapped(const std::string& path) {
  struct search {
    const std::string* path;
    bool found;
  } wanted{&path, false};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto* s = static_cast<search*>(data);
        s->found |= info->dlpi_name && *s->path == info->dlpi_name;
        return s->found ? 1 : 0;
      },
      &wanted);
  return wanted.found;
}

} // namespace

class loaded_module {
public:
  loaded_module(void* handle, std::string path, std::unique_ptr<code_file> file, manifest m,
                const module_table* table, std::shared_ptr<module_counts> counts)
      : about(std::move(m)), table(table), handle_(handle), path_(std::move(path)),
        file_(std::move(file)), counts_(std::move(counts)) {
    ++counts_->loaded;
  }

  ~loaded_module() {
    dlclose(handle_);
    --counts_->loaded;
    if (!is_mapped(path_)) {
      ++counts_->unloaded;
      return;
    }
    ++counts_->stuck;
    spdlog::error("module {} was closed but stays mapped: something in it is marked unique or is "
                  "still referred to; build it with instar_add_module",
                  about.module);
  }

  const manifest about;
  const module_table* const table;

private:
  void* handle_;
  const std::string path_; ///< under which the dynamic linker knows it; unique in the process
  const std::unique_ptr<code_file> file_;
  const std::shared_ptr<module_counts> counts_;
};

struct module_loader::parts {
  std::filesystem::path folder; ///< private copies
  std::shared_ptr<module_counts> counts = std::make_shared<module_counts>();
  std::mutex guard;
  std::map<std::uint64_t, std::weak_ptr<loaded_module>> by_content;
  std::uint64_t serial = 0;

  result<std::shared_ptr<loaded_module>> map(const module_file& file,
                                             const std::filesystem::path& name, manifest about);
  result<std::filesystem::path> copy(const module_file& file);
};

module_loader::module_loader(const std::filesystem::path& scratch)
    : parts_(std::make_unique<parts>()) {
  auto name = (scratch / "instar-modules-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::system_error(errno, std::generic_category(),
                            "no folder for private copies of modules below " + scratch.string());
  parts_->folder = name;
}

module_loader::~module_loader() {
  std::error_code ignored;
  std::filesystem::remove_all(parts_->folder, ignored);
}

const module_counts& module_loader::counts() const { return *parts_->counts; }

result<std::shared_ptr<loaded_module>> module_loader::load(const std::filesystem::path& path) {
  auto file = module_file::read(path);
  if (!file) return file.error();
  std::lock_guard lock(parts_->guard);
  auto& known = parts_->by_content[file->content_hash];
  if (auto loaded = known.lock()) return loaded;
  auto about = read_manifest(file->bytes, path);
  if (!about) return about.error();
  if (auto fits = check_host(*about, path); !fits) return fits.error();
  auto mapped = parts_->map(*file, path, std::move(*about));
  if (mapped) known = *mapped;
  std::erase_if(parts_->by_content, [](const auto& item) { return item.second.expired(); });
  return mapped;
}

/// What was checked is what is mapped: the bytes in memory go to a file that only this process
/// knows, under a name that it never uses again.
result<std::filesystem::path> module_loader::parts::copy(const module_file& file) {
  char name[64];
  std::snprintf(name, sizeof name, "%016llx-%llu.so",
                static_cast<unsigned long long>(file.content_hash),
                static_cast<unsigned long long>(++serial));
  const auto path = folder / name;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::size_t written = 0;
  while (fd >= 0 && written < file.bytes.size()) {
    const auto n = write(fd, file.bytes.data() + written, file.bytes.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<std::size_t>(n);
  }
  const int error = errno;
  if (fd >= 0) close(fd);
  if (fd >= 0 && written == file.bytes.size()) return path;
  unlink(path.c_str());
  return failure{errc::system, "the private copy " + path.string() + " cannot be written: " +
                                   std::strerror(error) + "; free some space there"};
}

namespace {

bool same_converters(const operator_entry& e, const operator_description& d) {
  return e.converter_count == d.converters.size() &&
         std::equal(d.converters.begin(), d.converters.end(), e.converters,
                    [](const converter_description& said, const converter& is) {
                      return said.from == is.from && said.to == is.to && is.convert;
                    });
}

/// Whether the code says the same as the manifest that was judged.
bool agrees(const module_table& table, const manifest& about) {
  if (table.api_version != about.api_version || table.size != about.operators.size()) return false;
  return std::equal(table.entries, table.entries + table.size, about.operators.begin(),
                    [](const operator_entry& e, const operator_description& d) {
                      return e.type && e.type->name == d.name && e.type->version == d.version &&
                             same_converters(e, d);
                    });
}

} // namespace

result<std::shared_ptr<loaded_module>> module_loader::parts::map(const module_file& file,
                                                                 const std::filesystem::path& name,
                                                                 manifest about) {
  auto path = copy(file);
  if (!path) return path.error();
  void* handle = dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* error = handle ? nullptr : dlerror();
  auto kept = handle ? std::make_unique<code_file>(path->string()) : nullptr;
  unlink(path->c_str());
  const auto fail = [&](errc code, const std::string& why) {
    if (handle) dlclose(handle);
    return failure{code, "module " + name.string() + " " + why};
  };
  if (!handle)
    return fail(errc::incompatible, "cannot be mapped: " + std::string(error ? error : "unknown") +
                                        "; link what it lacks, and keep the folder of the private "
                                        "copies on a file system that is not noexec");
  const auto entry =
      reinterpret_cast<const module_table* (*)()>(dlsym(handle, "instar_module_entry"));
  if (!entry)
    return fail(errc::bad_input, "has no entry point; add INSTAR_MODULE to one of its sources");
  const auto* table = entry();
  if (!table || !agrees(*table, about))
    return fail(errc::bad_input, "says something else in its code than in its manifest; build it "
                                 "again");
  return std::make_shared<loaded_module>(handle, path->string(), std::move(kept), std::move(about),
                                         table, counts);
}

const manifest& manifest_of(const loaded_module& m) { return m.about; }

namespace {

result<const operator_entry*> entry_of(const loaded_module& m, std::string_view type,
                                       std::uint32_t version) {
  for (std::size_t i = 0; i < m.table->size; ++i) {
    const auto* entry = &m.table->entries[i];
    if (entry->type->name == type && entry->type->version == version) return entry;
  }
  return failure{errc::not_found, "module " + m.about.module + " does not bring " +
                                      std::string(type) + "@" + std::to_string(version)};
}

} // namespace

result<operator_factory> factory_of(const std::shared_ptr<loaded_module>& m, std::string_view type,
                                    std::uint32_t version) {
  const auto found = entry_of(*m, type, version);
  if (!found) return found.error();
  return operator_factory([m, entry = *found](const settings& values) {
    return operator_instance(entry->create(values), {entry->destroy, m});
  });
}

result<loaded_converter> converter_of(const std::shared_ptr<loaded_module>& m,
                                      std::string_view type, std::uint32_t version,
                                      std::uint64_t from, std::uint64_t to) {
  const auto found = entry_of(*m, type, version);
  if (!found) return found.error();
  for (std::size_t i = 0; i < (*found)->converter_count; ++i) {
    const auto& c = (*found)->converters[i];
    if (c.from == from && c.to == to) return loaded_converter{c.convert, m};
  }
  return failure{errc::not_found, "module " + m->about.module + " has no converter of " +
                                      std::string(type) + "@" + std::to_string(version) +
                                      " between these schemas"};
}

} // namespace instar

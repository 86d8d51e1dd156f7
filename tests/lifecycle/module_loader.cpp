#include "lifecycle/module_loader.hpp"

#include "sanitizers.hpp"
#include "temporary_folder.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace instar;
namespace fs = std::filesystem;

namespace {

const fs::path modules = TEST_MODULES;

std::vector<std::byte> read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  const auto* first = reinterpret_cast<const std::byte*>(chars.data());
  return {first, first + chars.size()};
}

void write(const fs::path& file, std::span<const std::byte> bytes) {
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

settings start_at(std::int64_t n) {
  settings s;
  s.set("start", n);
  return s;
}

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::size_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

bool private_copies_mapped() {
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  return text.find(".so (deleted)") != std::string::npos;
}

std::size_t descriptors() {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

std::size_t resident_pages() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident;
}

/// While it lives no file of this process grows beyond `bytes`: a write stops half-way and then
/// fails, as on a full disk. Nothing may be printed meanwhile.
class full_disk {
public:
  explicit full_disk(std::size_t bytes) : former_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &former_) == 0);
    auto limit = former_;
    limit.rlim_cur = bytes;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~full_disk() {
    setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, former_handler_);
  }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;

private:
  void (*former_handler_)(int);
  rlimit former_{};
};

/// The failure that loading a file gives.
std::string refusal(module_loader& loader, const fs::path& file) {
  auto loaded = loader.load(file);
  return loaded ? "" : loaded.error().message;
}

} // namespace

TEST_CASE("a loaded module makes operators, and is gone with the last of them") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  {
    auto module = loader.load(modules / "test_counter_v1.so");
    REQUIRE_MESSAGE(bool(module), module.error().message);
    auto factory = factory_of(*module, "test.counter", 1);
    REQUIRE(bool(factory));
    auto instance = (*factory)(start_at(7));
    CHECK_THROWS_WITH((*factory)(start_at(13)), "13 brings bad luck");
    module = failure{};
    factory = failure{};
    CHECK(loader.counts().loaded == 1);
    state_writer w({"test.counter", 1, 1, 1});
    instance->save(w);
    CHECK(w.finish().size_bytes() > 0);
  }
  CHECK(loader.counts().loaded == 0);
  CHECK(loader.counts().unloaded == 1);
  CHECK(loader.counts().stuck == 0);
}

TEST_CASE("the same content is mapped once, other content under the same path apart") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  const auto path = scratch.path() / "m.so";
  fs::copy_file(modules / "test_counter_v1.so", path);
  auto first = loader.load(path);
  REQUIRE(bool(first));
  auto again = loader.load(path);
  REQUIRE(bool(again));
  CHECK(*first == *again);
  fs::remove(path);
  fs::copy_file(modules / "test_counter_v2.so", path);
  auto second = loader.load(path);
  REQUIRE(bool(second));
  CHECK(manifest_of(**first).operators[0].version == 1);
  CHECK(manifest_of(**second).operators[0].version == 2);
  CHECK(bool(factory_of(*second, "test.counter", 2)));
  CHECK(loader.counts().loaded == 2);
}

TEST_CASE("a file that is overwritten in place does not hurt the code that runs") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  const auto path = scratch.path() / "m.so";
  fs::copy_file(modules / "test_counter_v1.so", path);
  auto module = loader.load(path);
  REQUIRE(bool(module));
  write(path, std::vector<std::byte>(1 << 16));
  auto instance = (*factory_of(*module, "test.counter", 1))(start_at(3));
  CHECK(bool(instance));
}

TEST_CASE("private copies are nobody else's and do not stay") {
  temporary_folder scratch;
  fs::path folder;
  {
    module_loader loader(scratch.path());
    folder = fs::directory_iterator(scratch.path())->path();
    CHECK(fs::status(folder).permissions() == fs::perms::owner_all);
    const auto module = loader.load(modules / "test_counter_v1.so");
    REQUIRE(bool(module));
    CHECK_FALSE(bool(loader.load(modules / "test_lacks_symbol.so")));
    CHECK(fs::is_empty(folder));
  }
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("a disk that is full when a module is copied is told, and nothing stays behind") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  const auto folder = fs::directory_iterator(scratch.path())->path();
  const auto file = modules / "test_counter_v1.so";
  const auto size = static_cast<std::size_t>(fs::file_size(file));
  const auto fds = descriptors();
  for (const auto room : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, size - 1}) {
    CAPTURE(room);
    std::string line;
    {
      full_disk disk(room);
      line = refusal(loader, file);
    }
    CAPTURE(line);
    CHECK(line.find("the private copy " + folder.string()) == 0);
    CHECK(line.find("cannot be written: File too large; free some space there") !=
          std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(fs::is_empty(folder));
    CHECK(descriptors() == fds);
    CHECK(loader.counts().loaded == 0);
  }
  auto module = loader.load(file);
  REQUIRE(bool(module));
  CHECK(bool((*factory_of(*module, "test.counter", 1))(start_at(1))));
}

TEST_CASE("a module that outlives its loader is still unloaded with its last operator") {
  temporary_folder scratch;
  auto loader = std::make_unique<module_loader>(scratch.path());
  auto module = loader->load(modules / "test_counter_v1.so");
  REQUIRE(bool(module));
  auto instance = (*factory_of(*module, "test.counter", 1))(start_at(1));
  loader.reset();
  module = failure{};
  CHECK(private_copies_mapped());
  instance = operator_instance(); // `reset` would keep the deleter, and with it the code
  CHECK_FALSE(private_copies_mapped());
}

TEST_CASE("what is no module for this host is refused with one clear line") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  const auto expect = [&](const fs::path& file, const char* why) {
    const auto line = refusal(loader, file);
    CAPTURE(line);
    CHECK(line.find(why) != std::string::npos);
    CHECK(line.find(file.string()) != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
  };
  expect(scratch.path() / "missing.so", "cannot be opened: No such file");
  expect(modules, "is no regular file");
  const auto text = scratch.path() / "text.so";
  std::ofstream(text) << "#!/bin/sh\necho I am no shared object\n";
  expect(text, "is no ELF file");
  expect(modules / "test_no_manifest.so", "has no manifest");
  expect(modules / "test_other_api.so", "is built for API version 999");
  const auto writable = scratch.path() / "writable.so";
  fs::copy_file(modules / "test_counter_v1.so", writable);
  for (const auto who : {fs::perms::others_write, fs::perms::group_write}) {
    fs::permissions(writable, who, fs::perm_options::add);
    expect(writable, "is writable by others");
    fs::permissions(writable, who, fs::perm_options::remove);
  }
  if (chown(writable.c_str(), geteuid() + 1, static_cast<gid_t>(-1)) == 0) // root may
    expect(writable, "belongs to another user");
  const auto pipe = scratch.path() / "pipe.so";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  expect(pipe, "is no regular file");
  expect(modules / "test_no_entry.so", "has no entry point");
  expect(modules / "test_says_otherwise.so", "says something else in its code");
  expect(modules / "test_converts_otherwise.so", "says something else in its code");
  expect(modules / "test_lacks_symbol.so", "undefined symbol: nobody_defines_this");
  CHECK(loader.counts().loaded == 0);
}

TEST_CASE("the catalogue finds types by version and explains what it does not find") {
  temporary_folder place;
  module_catalogue catalogue;
  catalogue.set_places({place.path()});
  CHECK(catalogue.find("test.counter", 1)
            .error()
            .message.find("looked in " + place.path().string()) != std::string::npos);
  fs::copy_file(modules / "test_counter_v1.so", place.path() / "a.so");
  std::ofstream(place.path() / "broken.so") << "nothing";
  REQUIRE(bool(catalogue.find("test.counter", 1)));
  CHECK(catalogue.find("test.counter", 1)->file == place.path() / "a.so");
  const auto other = catalogue.find("test.counter", 2).error().message;
  CHECK(other.find("there is test.counter@1") != std::string::npos);
  CHECK(other.find("broken.so is no ELF file") != std::string::npos);

  fs::copy_file(place.path() / "a.so", place.path() / "same.so");
  CHECK(bool(catalogue.find("test.counter", 1)));
  auto changed = read(place.path() / "a.so");
  changed.push_back(std::byte{0});
  write(place.path() / "other.so", changed);
  CHECK(catalogue.find("test.counter", 1).error().message.find("two different modules") !=
        std::string::npos);

  fs::remove(place.path() / "a.so");
  fs::remove(place.path() / "same.so");
  fs::remove(place.path() / "other.so");
  fs::copy_file(modules / "test_counter_v2.so", place.path() / "a.so");
  CHECK(bool(catalogue.find("test.counter", 2)));
  CHECK_FALSE(bool(catalogue.find("test.counter", 1)));
}

TEST_CASE("a file whose permissions were repaired is looked at again") {
  temporary_folder place;
  const auto file = place.path() / "a.so";
  fs::copy_file(modules / "test_counter_v1.so", file);
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  module_catalogue catalogue;
  catalogue.set_places({place.path()});
  CHECK(catalogue.find("test.counter", 1).error().message.find("chmod go-w") != std::string::npos);
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  CHECK(bool(catalogue.find("test.counter", 1)));
}

TEST_CASE("a folder of many strange files is told in short") {
  temporary_folder place;
  for (int i = 0; i < 100; ++i)
    std::ofstream(place.path() / (std::to_string(i) + ".so")) << "nothing";
  module_catalogue catalogue;
  catalogue.set_places({place.path()});
  const auto why = catalogue.find("test.counter", 1).error().message;
  CHECK(why.find("and 92 more") != std::string::npos);
  CHECK(catalogue.all().empty());
}

TEST_CASE("a module's converters turn state into that of another version, and keep it loaded") {
  constexpr std::uint64_t store_1 = 0xe1f7340c5a6b2d91, store_2 = 0xd0a3b5c7e9f12468;
  temporary_folder scratch;
  module_loader loader(scratch.path());
  auto first = loader.load(modules / "test_store_v1.so").value();
  auto second = loader.load(modules / "test_store_v2.so").value();
  const auto save = [](const std::shared_ptr<loaded_module>& from, std::uint32_t version,
                       std::uint64_t schema, const char* name) {
    settings values;
    values.set("name", std::string(name));
    auto instance = (*factory_of(from, "test.store", version))(values);
    state_writer writer({"test.store", version, schema, 1});
    instance->save(writer);
    return writer.finish();
  };
  const auto expected = save(second, 2, store_2, "one");
  const auto found = converter_of(second, "test.store", 2, store_1, store_2);
  REQUIRE(bool(found));
  second = nullptr;
  {
    const conversion convert({{{"test.store", 2, store_2, 1}, found->convert, found->code}});
    const auto converted = convert(save(first, 1, store_1, "one"));
    CHECK(converted.header() == expected.header());
    CHECK(converted.size_bytes() == expected.size_bytes());
    CHECK_THROWS_WITH((void)convert(save(first, 1, store_1, "bad")), "no such name here");
  }
  CHECK(loader.counts().loaded == 2);

  CHECK(converter_of(first, "test.store", 1, store_1, store_2)
            .error()
            .message.find("has no converter of test.store@1") != std::string::npos);
  CHECK_FALSE(bool(converter_of(first, "test.store", 2, store_1, store_2)));
}

TEST_CASE("the catalogue tells the versions of a type that can be had") {
  temporary_folder place;
  module_catalogue catalogue;
  catalogue.set_places({place.path()});
  CHECK(catalogue.versions("test.store").empty());
  for (const char* name : {"3", "1", "2"})
    fs::copy_file(modules / ("test_store_v" + std::string(name) + ".so"),
                  place.path() / ("0" + std::string(name) + ".so"));
  fs::copy_file(modules / "test_counter_v1.so", place.path() / "counter.so");
  std::vector<std::string> found;
  for (const auto& type : catalogue.versions("test.store")) found.push_back(type.reference());
  CHECK(found == std::vector<std::string>{"test.store@1", "test.store@2", "test.store@3"});
  CHECK(catalogue.versions("test.store")[1].converters.size() == 2);
  // One that two modules bring cannot be had.
  auto changed = read(place.path() / "02.so");
  changed.push_back(std::byte{0});
  write(place.path() / "04.so", changed);
  REQUIRE(catalogue.versions("test.store").size() == 2);
  CHECK(catalogue.versions("test.store")[1].version == 3);
}

TEST_CASE("mappings, descriptors and memory are the same after 2,000 loads as after 50") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  std::size_t maps = 0, fds = 0, pages = 0;
  for (int round = 0; round < 2000; ++round) {
    auto module = loader.load(modules / ("test_counter_v" + std::to_string(round % 3 + 1) + ".so"));
    REQUIRE(bool(module));
    auto instance = (*factory_of(*module, "test.counter", round % 3 + 1))(start_at(round + 100));
    CHECK(bool(instance));
    if (round == 50) {
      maps = mappings();
      fds = descriptors() - 1; // the module's file is open as long as it is loaded
      pages = resident_pages();
    }
  }
  CHECK(loader.counts().loaded == 0);
  CHECK(loader.counts().unloaded == 2000);
  CHECK(loader.counts().stuck == 0);
  CHECK(descriptors() == fds);
  if (test::address_sanitizer) return; // which maps as it likes
  CHECK(mappings() <= maps);
  CHECK(static_cast<double>(resident_pages()) < static_cast<double>(pages) * 1.05);
}

// Last, because it leaves a mapping behind.
TEST_CASE("an unload that did not happen is counted, not assumed") {
  temporary_folder scratch;
  module_loader loader(scratch.path());
  REQUIRE(bool(loader.load(modules / "test_stays.so")));
  CHECK(loader.counts().loaded == 0);
  CHECK(loader.counts().stuck == 1);
  CHECK(loader.counts().unloaded == 0);
}

#include "temporary_folder.hpp"
#include "transfer/checkpoint_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using namespace instar;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

/// A disk on which the `fail_at`th call of those that `armed` says fails.
class faulty_disk final : public checkpoint_disk {
public:
  enum call { none, creating, writing, syncing, closing, renaming, folder };

  call armed = none;
  int error = ENOSPC;
  int fail_at = 0;
  std::size_t most = ~std::size_t{0}; ///< that a write takes

  int create(const std::filesystem::path& file) override {
    return due(creating) ? -error : checkpoint_disk::create(file);
  }
  long write(int fd, const std::byte* bytes, std::size_t size) override {
    return due(writing) ? -error : checkpoint_disk::write(fd, bytes, std::min(size, most));
  }
  int sync(int fd) override { return due(syncing) ? -error : checkpoint_disk::sync(fd); }
  int close(int fd) override {
    const int done = checkpoint_disk::close(fd);
    return due(closing) ? -error : done;
  }
  int rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return due(renaming) ? -error : checkpoint_disk::rename(from, to);
  }
  int sync_folder(const std::filesystem::path& path) override {
    return due(folder) ? -error : checkpoint_disk::sync_folder(path);
  }

private:
  bool due(call what) { return what == armed && fail_at-- == 0; }
};

/// Writes a small checkpoint, as that of three operators.
result<checkpoint_info> write_one(checkpoint_folder& into, std::uint64_t epoch,
                                  const std::string& graph = "the graph") {
  auto writer = into.begin(epoch);
  if (!writer) return writer.error();
  const std::pair<section_kind, std::string> sections[] = {
      {section_kind::state, "a"}, {section_kind::part, "a"},   {section_kind::part, "a"},
      {section_kind::state, "b"}, {section_kind::timers, "b"}, {section_kind::state, "long name"}};
  if (auto done = writer->add(section_kind::graph, "", bytes_of(graph)); !done) return done.error();
  for (const auto& [kind, name] : sections)
    if (auto done = writer->add(kind, name, bytes_of("body of " + to_string(kind, name))); !done)
      return done.error();
  return writer->commit();
}

std::unique_ptr<checkpoint_folder> claim(const std::filesystem::path& path, checkpoint_disk& disk) {
  auto claimed = checkpoint_folder::claim(path, disk);
  REQUIRE(claimed);
  return *std::move(claimed);
}

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace

TEST_CASE("the checksum is CRC-64/XZ, whatever the pieces") {
  const std::string text = "123456789";
  crc64 whole;
  whole.add(bytes_of(text));
  CHECK(whole.value() == 0x995DC9BBDF1939FA);
  const std::string longer(1000, 'x');
  crc64 all;
  all.add(bytes_of(longer));
  for (std::size_t cut = 0; cut < 40; ++cut) {
    crc64 pieces;
    pieces.add(bytes_of(longer).first(cut));
    pieces.add(bytes_of(longer).subspan(cut));
    CHECK(pieces.value() == all.value());
  }
}

TEST_CASE("a checkpoint gives back what was written") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path() / "new" / "folder", disk);
  const auto written = write_one(*folder, 7);
  REQUIRE(written);
  CHECK(written->operators == 3);
  CHECK(written->bytes == std::filesystem::file_size(written->file));
  const auto read = checkpoint_file::open(written->file);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->info().epoch == 7);
  CHECK(read->info().number == 1);
  CHECK(read->info().operators == 3);
  CHECK(read->info().bytes == written->bytes);
  REQUIRE(read->sections().size() == 7);
  CHECK(text_of(*read->read(read->sections()[0])) == "the graph");
  CHECK(read->sections()[6].name == "long name");
  CHECK(text_of(*read->read(read->sections()[6])) == "body of state of long name");
  CHECK(files_in(folder->path()) == 1);
}

TEST_CASE("bodies of any size go through the buffer, and may be empty") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  auto writer = folder->begin(1);
  REQUIRE(writer);
  std::vector<std::string> bodies;
  for (const std::size_t size : {0, 1, 7, 8, 9, 262'100, 262'144, 1'000'003})
    bodies.emplace_back(size, static_cast<char>('a' + bodies.size()));
  for (const auto& body : bodies)
    REQUIRE(writer->add(section_kind::part, std::string(body.size() % 13, 'n'), bytes_of(body)));
  const auto written = writer->commit();
  REQUIRE(written);
  const auto read = checkpoint_file::open(written->file);
  REQUIRE_MESSAGE(read, read.error().message);
  for (std::size_t i = 0; i < bodies.size(); ++i)
    CHECK(text_of(*read->read(read->sections()[i])) == bodies[i]);
}

TEST_CASE("with any byte flipped it is refused with one clear line, and an older one is used") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  const auto older = write_one(*folder, 1, "older");
  const auto newer = write_one(*folder, 2, "newer");
  REQUIRE(newer);
  const auto good = content_of(newer->file);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << i % 8));
    write_file(newer->file, bad);
    const auto found = newest_whole(at.path());
    REQUIRE(found.file);
    REQUIRE_MESSAGE(found.file->info().epoch == 1, "byte ", i);
    REQUIRE(found.skipped.size() == 1);
    const auto& line = found.skipped[0].message;
    CHECK_MESSAGE(line.starts_with("checkpoint " + newer->file.string() + ": "), line);
    CHECK_MESSAGE(line.ends_with("; restore from another one, and remove this"), line);
    CHECK(line.find('\n') == line.npos);
    CHECK_MESSAGE((contains(line, "damaged") || contains(line, "truncated") ||
                   contains(line, "foreign") || contains(line, "oversized")),
                  line);
  }
  write_file(newer->file, good);
  CHECK(newest_whole(at.path()).file->info().epoch == 2);
}

TEST_CASE("cut at any length, or followed by anything, it is refused") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  const auto written = write_one(*folder, 1);
  REQUIRE(written);
  const auto good = content_of(written->file);
  for (std::size_t length = 0; length < good.size(); ++length) {
    write_file(written->file, good.substr(0, length));
    const auto read = checkpoint_file::open(written->file);
    REQUIRE_MESSAGE(!read, "length ", length);
    CHECK_MESSAGE(contains(read.error().message, "truncated"), read.error().message);
  }
  write_file(written->file, good + std::string(8, '\0'));
  const auto longer = checkpoint_file::open(written->file);
  REQUIRE_FALSE(longer);
  CHECK(contains(longer.error().message, "trailer: oversized: 8 bytes follow it"));
  CHECK_FALSE(newest_whole(at.path()).file);
}

TEST_CASE("sections left out, doubled or exchanged are found out") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  const auto written = write_one(*folder, 1);
  REQUIRE(written);
  const auto good = content_of(written->file);
  std::vector<std::size_t> starts;
  {
    const auto read = checkpoint_file::open(written->file);
    for (const auto& s : read->sections()) starts.push_back(s.at);
  }
  const auto section = [&](std::size_t i) {
    return good.substr(starts[i], starts[i + 1] - starts[i]);
  };
  const auto without = good.substr(0, starts[2]) + good.substr(starts[3]);
  const auto twice = good.substr(0, starts[2]) + section(2) + good.substr(starts[2]);
  const auto exchanged =
      good.substr(0, starts[2]) + section(3) + section(2) + good.substr(starts[4]);
  for (const auto& bad : {without, twice, exchanged}) {
    write_file(written->file, bad);
    CHECK_FALSE(checkpoint_file::open(written->file));
  }
}

TEST_CASE("what is no file, or another one, is refused by name") {
  temporary_folder at;
  CHECK(contains(checkpoint_file::open(at.path() / "none").error().message, "cannot be opened"));
  CHECK(contains(checkpoint_file::open(at.path()).error().message, "foreign: it is no regular"));
  write_file(at.path() / "text", std::string(1000, 'x'));
  CHECK(contains(checkpoint_file::open(at.path() / "text").error().message, "wrong magic number"));
  CHECK(list_checkpoints(at.path() / "none").empty());
  CHECK(list_checkpoints(at.path()).empty());
}

TEST_CASE("whatever fails in writing, there is no new file, and the older one is still there") {
  using disk_call = faulty_disk::call;
  for (const auto call : {disk_call::creating, disk_call::writing, disk_call::syncing,
                          disk_call::closing, disk_call::renaming, disk_call::folder}) {
    for (const int error : {ENOSPC, EIO}) {
      temporary_folder at;
      faulty_disk disk;
      const auto folder = claim(at.path(), disk);
      REQUIRE(write_one(*folder, 1));
      disk.armed = call;
      disk.error = error;
      disk.fail_at = 0;
      const auto failed = write_one(*folder, 2);
      REQUIRE_FALSE(failed);
      CHECK(contains(failed.error().message, std::strerror(error)));
      CHECK(contains(failed.error().message, error == ENOSPC ? "make room" : "see to the folder"));
      CHECK(files_in(at.path()) == 1);
      CHECK(newest_whole(at.path()).file->info().epoch == 1);
      REQUIRE(write_one(*folder, 3));
      CHECK(newest_whole(at.path()).file->info().epoch == 3);
    }
  }
}

TEST_CASE("a disk that takes little at a time, or is full after any number of writes") {
  temporary_folder at;
  faulty_disk disk;
  disk.most = 7;
  const auto folder = claim(at.path(), disk);
  const auto written = write_one(*folder, 1);
  REQUIRE(written);
  CHECK(checkpoint_file::open(written->file));
  const auto writes = static_cast<int>(written->bytes / 7 + 1);
  for (int i = 0; i < writes; ++i) {
    disk.armed = faulty_disk::writing;
    disk.fail_at = i;
    CHECK_FALSE(write_one(*folder, 2));
    CHECK(files_in(at.path()) == 1);
  }
}

TEST_CASE("what an interrupted process left is removed, and no number is used twice") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  write_file(at.path() / "0000000005-epoch-3.instar.writing", "half of it");
  write_file(at.path() / "notes.writing", "somebody else's");
  write_file(at.path() / "readme.instar", "somebody else's");
  const auto written = write_one(*folder, 9);
  REQUIRE(written);
  CHECK(written->number == 6);
  CHECK(files_in(at.path()) == 3);
  CHECK(list_checkpoints(at.path()).size() == 1);
}

TEST_CASE("the newest ones are kept, and never is the newest whole one removed") {
  temporary_folder at;
  checkpoint_disk disk;
  const auto folder = claim(at.path(), disk);
  std::vector<std::filesystem::path> files;
  for (std::uint64_t epoch = 1; epoch <= 6; ++epoch)
    files.push_back(write_one(*folder, epoch)->file);
  CHECK(folder->retain(4).empty());
  CHECK(list_checkpoints(at.path()).size() == 4);
  for (std::size_t i = 3; i < 6; ++i) write_file(files[i], "damaged");
  CHECK(folder->retain(2).size() == 3); // says which are not whole
  const auto left = list_checkpoints(at.path());
  REQUIRE(left.size() == 4);
  CHECK(left[0].damage != "");
  CHECK(left[3].damage == "");
  CHECK(newest_whole(at.path()).file->info().epoch == 3);
  std::filesystem::remove(files[2]);
  folder->retain(1); // none is whole: all stay
  CHECK(list_checkpoints(at.path()).size() == 3);
  REQUIRE(write_one(*folder, 7));
  CHECK(folder->retain(0).empty());
  CHECK(list_checkpoints(at.path()).size() == 1);
}

TEST_CASE("two do not write into one folder") {
  temporary_folder at;
  checkpoint_disk disk;
  {
    const auto first = claim(at.path(), disk);
    const auto second = checkpoint_folder::claim(at.path(), disk);
    REQUIRE_FALSE(second);
    CHECK(contains(second.error().message, "another process writes checkpoints into it"));
  }
  CHECK(checkpoint_folder::claim(at.path(), disk));
  write_file(at.path() / "file", "");
  CHECK_FALSE(checkpoint_folder::claim(at.path() / "file" / "folder", disk));
}

// Checkpoint files: any bytes, and whole ones with any content.
#include "lifecycle/checkpoint_contents.hpp"
#include "tests/fuzz/input.hpp"
#include "transfer/checkpoint_file.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace instar;
using namespace instar::fuzz;

namespace {

const std::filesystem::path& folder() {
  static const auto made = [] {
    auto path = std::filesystem::temp_directory_path() /
                ("instar-fuzz-checkpoint." + std::to_string(getpid()));
    std::filesystem::create_directories(path);
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(std::filesystem::temp_directory_path() /
                                      ("instar-fuzz-checkpoint." + std::to_string(getpid())),
                                  ignored);
    });
    return path;
  }();
  return made;
}

void look_at(const std::filesystem::path& file) {
  auto opened = checkpoint_file::open(file);
  if (!opened) return require_one_line(opened.error().message);
  auto read = checkpoint_contents::read(std::move(*opened));
  if (!read) return require_one_line(read.error().message);
  for (const auto& [name, type] : (*read)->operators()) {
    if (auto s = (*read)->state_of(name); !s) require_one_line(s.error().message);
    if (auto t = (*read)->timers_of(name); !t) require_one_line(t.error().message);
    for (std::size_t i = 0; i < (*read)->parts_of(name); ++i)
      if (auto p = (*read)->part_of(name, i); !p) require_one_line(p.error().message);
  }
}

void any_bytes(input all) {
  const auto file = folder() / checkpoint_file_name(1, 1);
  const auto bytes = all.rest();
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  look_at(file);
}

void any_content(input all) {
  checkpoint_disk disk;
  auto writer = checkpoint_writer::begin(disk, folder(), 2, 1);
  require(static_cast<bool>(writer), "a checkpoint can be begun");
  constexpr section_kind kinds[] = {section_kind::graph, section_kind::schemas, section_kind::state,
                                    section_kind::part, section_kind::timers};
  while (!all.empty()) {
    const auto kind = kinds[all.number() % std::size(kinds)];
    const auto name = all.text(all.number() % 16);
    const auto body = all.bytes(all.number() * 8u);
    if (!writer->add(kind, name, body)) return;
  }
  const auto done = writer->commit();
  if (!done) return require_one_line(done.error().message);
  const auto opened = checkpoint_file::open(done->file);
  require(static_cast<bool>(opened), "what was committed is whole");
  look_at(done->file);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  if (all.number() % 2) any_bytes(all);
  else any_content(all);
  return 0;
}

#pragma once

#include "transfer/checkpoint_disk.hpp"
#include "transfer/crc64.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// What a section of a checkpoint is about.
enum class section_kind : std::uint32_t {
  graph = 1,   ///< the graph that ran; what its bytes mean is not known here
  schemas = 2, ///< of an operator type, as `schema_set::bytes`; its name is `type@version`
  state = 3,   ///< of an operator, as `state::encode`; there is one for each
  part = 4,   ///< of an operator's keyed state, as `state::encode`; later ones replace earlier ones
  timers = 5, ///< of an operator: pairs of 64-bit numbers, nanoseconds left and token
  end = 15,   ///< the trailer
};

/// For messages.
std::string to_string(section_kind kind, std::string_view name);

/// What is known of a checkpoint as a whole.
struct checkpoint_info {
  std::filesystem::path file;
  std::uint64_t number = 0; ///< of this checkpoint in its folder; later ones have higher numbers
  std::uint64_t epoch = 0;  ///< of the transition that wrote it
  std::chrono::system_clock::time_point when{};
  std::uint64_t bytes = 0;
  std::uint64_t operators = 0;
};

/// The name of a checkpoint's file, and what a name says; 0 as its number if it is none.
std::string checkpoint_file_name(std::uint64_t number, std::uint64_t epoch);
checkpoint_info parse_checkpoint_name(const std::filesystem::path& file);
/// Whether that is the name of a file that was being written when its process ended.
bool is_checkpoint_leftover(const std::filesystem::path& file);

/// Writes one checkpoint. There is nothing under its name before `commit`, and all of it after,
/// whatever fails or is killed meanwhile. Memory is bounded by one buffer. One thread at a time.
class checkpoint_writer {
public:
  static result<checkpoint_writer> begin(checkpoint_disk& disk, std::filesystem::path folder,
                                         std::uint64_t number, std::uint64_t epoch);
  checkpoint_writer(checkpoint_writer&&) noexcept;
  checkpoint_writer& operator=(checkpoint_writer&&) = delete;
  /// Without a commit everything is removed again.
  ~checkpoint_writer();

  result<void> add(section_kind kind, std::string_view name, std::span<const std::byte> body);
  /// Writes the trailer, makes the file durable, gives it its name, and makes that durable. Called
  /// once, and nothing after it.
  result<checkpoint_info> commit();

private:
  checkpoint_writer(checkpoint_disk& disk, std::filesystem::path folder, checkpoint_info info);
  result<void> append(std::span<const std::byte> bytes);
  result<void> append_section(section_kind kind, std::string_view name,
                              std::span<const std::byte> body);
  result<void> flush();
  failure failed(const char* what, long error) const;

  checkpoint_disk* disk_;
  std::filesystem::path folder_, temporary_;
  checkpoint_info info_;
  int fd_ = -1;
  bool exists_ = false; // the temporary file does
  std::vector<std::byte> buffer_;
  std::uint64_t sections_ = 0;
  crc64 sums_; // of all checksums so far
};

/// A checkpoint that has been read to its end and is whole.
class checkpoint_file {
public:
  struct section {
    section_kind kind{};
    std::string name;
    std::uint64_t index = 0, at = 0; ///< at: its head's offset in the file
    std::uint64_t bytes = 0;         ///< of its body
  };

  /// Reads all of it, in pieces. What is truncated, damaged, foreign or oversized is refused with
  /// one line that names file, section, reason and remedy.
  static result<checkpoint_file> open(const std::filesystem::path& file);
  checkpoint_file(checkpoint_file&&) noexcept;
  checkpoint_file& operator=(checkpoint_file&&) = delete;
  ~checkpoint_file();

  const checkpoint_info& info() const { return info_; }
  /// In the file's order, without the trailer.
  const std::vector<section>& sections() const { return sections_; }
  /// The body of a section, checked once more. Any thread.
  result<std::vector<std::byte>> read(const section& which) const;

private:
  explicit checkpoint_file(int fd) : fd_(fd) {}

  int fd_;
  checkpoint_info info_;
  std::vector<section> sections_;
};

} // namespace instar

#include "transfer/checkpoint_file.hpp"
#include "transfer/checkpoint_format.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace instar {

using namespace checkpoint_format;

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::string_view temporary_suffix = ".writing";
constexpr std::string_view suffix = ".instar";

std::int64_t since_1970(std::chrono::system_clock::time_point when) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
}

} // namespace

std::string to_string(section_kind kind, std::string_view name) {
  const auto of = [&](const char* what) { return std::string(what) + " of " + std::string(name); };
  switch (kind) {
  case section_kind::graph:
    return "graph";
  case section_kind::schemas:
    return of("schemas");
  case section_kind::state:
    return of("state");
  case section_kind::part:
    return of("part of the state");
  case section_kind::timers:
    return of("timers");
  case section_kind::end:
    break;
  }
  return "trailer";
}

std::string checkpoint_file_name(std::uint64_t number, std::uint64_t epoch) {
  auto digits = std::to_string(number);
  digits.insert(0, digits.size() < 10 ? 10 - digits.size() : 0, '0');
  return digits + "-epoch-" + std::to_string(epoch) + std::string(suffix);
}

checkpoint_info parse_checkpoint_name(const std::filesystem::path& file) {
  checkpoint_info info;
  const auto name = file.filename().string();
  const auto dash = name.find("-epoch-");
  if (dash == name.npos || dash < 10 || dash > 20) return info;
  const auto number = [](const std::string& digits) -> std::uint64_t {
    if (digits.empty() || digits.size() > 19) return 0;
    if (digits.find_first_not_of("0123456789") != digits.npos) return 0;
    return std::stoull(digits);
  };
  const auto rest = name.substr(dash + 7);
  if (!rest.ends_with(suffix)) return info;
  info.number = number(name.substr(0, dash));
  info.epoch = number(rest.substr(0, rest.size() - suffix.size()));
  if (info.number == 0 || checkpoint_file_name(info.number, info.epoch) != name) return {};
  info.file = file;
  return info;
}

bool is_checkpoint_leftover(const std::filesystem::path& file) {
  const auto name = file.filename().string();
  return name.ends_with(temporary_suffix) &&
         parse_checkpoint_name(name.substr(0, name.size() - temporary_suffix.size())).number != 0;
}

checkpoint_writer::checkpoint_writer(checkpoint_disk& disk, std::filesystem::path folder,
                                     checkpoint_info info)
    : disk_(&disk), folder_(std::move(folder)), info_(std::move(info)) {
  temporary_ = info_.file.string() + std::string(temporary_suffix);
  buffer_.reserve(buffer_bytes);
}

checkpoint_writer::checkpoint_writer(checkpoint_writer&& other) noexcept
    : disk_(other.disk_), folder_(std::move(other.folder_)),
      temporary_(std::move(other.temporary_)), info_(std::move(other.info_)),
      fd_(std::exchange(other.fd_, -1)), exists_(std::exchange(other.exists_, false)),
      buffer_(std::move(other.buffer_)), sections_(other.sections_), sums_(other.sums_) {}

checkpoint_writer::~checkpoint_writer() {
  if (fd_ >= 0) disk_->close(fd_);
  if (exists_) disk_->remove(temporary_);
}

failure checkpoint_writer::failed(const char* what, long error) const {
  const char* remedy = error == -ENOSPC || error == -EDQUOT
                           ? "; make room, or keep fewer checkpoints"
                           : "; see to the folder and its disk";
  return {errc::system, "checkpoint " + info_.file.string() + ": " + what + ": " +
                            std::strerror(static_cast<int>(-error)) + remedy};
}

result<checkpoint_writer> checkpoint_writer::begin(checkpoint_disk& disk,
                                                   std::filesystem::path folder,
                                                   std::uint64_t number, std::uint64_t epoch) {
  checkpoint_info info;
  info.file = folder / checkpoint_file_name(number, epoch);
  info.number = number;
  info.epoch = epoch;
  info.when = std::chrono::system_clock::now();
  checkpoint_writer made(disk, std::move(folder), std::move(info));
  const int fd = disk.create(made.temporary_);
  if (fd < 0) return made.failed("cannot be begun", fd);
  made.fd_ = fd;
  made.exists_ = true;
  std::array<std::byte, head_bytes> head{};
  std::memcpy(head.data(), magic.data(), magic.size());
  put(head, 8, version);
  put(head, 16, number);
  put(head, 24, epoch);
  put(head, 32, since_1970(made.info_.when));
  crc64 sum;
  sum.add(std::span(head).first(56));
  put(head, 56, sum.value());
  made.sums_.add(std::span(head).last(8));
  if (auto done = made.append(head); !done) return done.error();
  return made;
}

result<void> checkpoint_writer::add(section_kind kind, std::string_view name,
                                    std::span<const std::byte> body) {
  info_.operators += kind == section_kind::state;
  return append_section(kind, name, body);
}

result<void> checkpoint_writer::append_section(section_kind kind, std::string_view name,
                                               std::span<const std::byte> body) {
  constexpr std::array<std::byte, 8> zeros{};
  const auto text = std::as_bytes(std::span(name.data(), name.size()));
  std::array<std::byte, section_head_bytes> head{};
  put(head, 0, static_cast<std::uint32_t>(kind));
  put(head, 4, static_cast<std::uint32_t>(name.size()));
  put(head, 8, static_cast<std::uint64_t>(body.size()));
  put(head, 16, sections_++);
  const std::span<const std::byte> pieces[] = {
      text, std::span(zeros).first(padded(text.size()) - text.size()), body,
      std::span(zeros).first(padded(body.size()) - body.size())};
  crc64 sum;
  sum.add(std::span(head).first(24));
  for (const auto piece : pieces) sum.add(piece);
  put(head, 24, sum.value());
  sums_.add(std::span(head).last(8));
  if (auto done = append(head); !done) return done;
  for (const auto piece : pieces)
    if (auto done = append(piece); !done) return done;
  return {};
}

result<void> checkpoint_writer::append(std::span<const std::byte> bytes) {
  info_.bytes += bytes.size();
  while (!bytes.empty()) {
    const auto fits = std::min(bytes.size(), buffer_bytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fits));
    bytes = bytes.subspan(fits);
    if (buffer_.size() == buffer_bytes)
      if (auto done = flush(); !done) return done;
  }
  return {};
}

result<void> checkpoint_writer::flush() {
  for (std::size_t at = 0; at < buffer_.size();) {
    const auto taken = disk_->write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (taken < 0) return failed("cannot be written", taken);
    if (taken == 0) return failed("cannot be written", -EIO);
    at += static_cast<std::size_t>(taken);
  }
  buffer_.clear();
  return {};
}

result<checkpoint_info> checkpoint_writer::commit() {
  std::array<std::byte, trailer_bytes> totals{};
  put(totals, 0, sections_);
  put(totals, 8, info_.bytes);
  put(totals, 16, info_.operators);
  put(totals, 24, sums_.value());
  if (auto done = append_section(section_kind::end, {}, totals); !done) return done.error();
  if (auto done = flush(); !done) return done.error();
  if (const int done = disk_->sync(fd_); done < 0) return failed("cannot be made durable", done);
  const int closed = disk_->close(std::exchange(fd_, -1));
  if (closed < 0) return failed("cannot be closed", closed);
  if (const int done = disk_->rename(temporary_, info_.file); done < 0)
    return failed("cannot be given its name", done);
  exists_ = false;
  if (const int done = disk_->sync_folder(folder_); done < 0) {
    // Whether it is there after a power failure nobody knows: so it must not count.
    disk_->remove(info_.file);
    return failed("its name cannot be made durable", done);
  }
  return info_;
}

} // namespace instar

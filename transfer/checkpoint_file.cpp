#include "transfer/checkpoint_file.hpp"

#include "transfer/checkpoint_format.hpp"
#include "transfer/one_line.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace instar {

using namespace checkpoint_format;

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

failure refused(const std::filesystem::path& file, const std::string& section,
                const std::string& why) {
  return {errc::bad_input, one_line("checkpoint " + file.string() + ": " + section + ": " + why +
                                    "; restore from another one, and remove this")};
}

std::string number(std::uint64_t n) { return std::to_string(n); }

/// All of the bytes from an offset on, or an error number; 0 bytes too few count as EIO.
int read_all(int fd, std::uint64_t at, std::span<std::byte> into) {
  while (!into.empty()) {
    const auto got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got < 0 ? errno : EIO;
    at += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
  return 0;
}

struct section_head {
  std::uint32_t kind = 0, name = 0;
  std::uint64_t body = 0, index = 0, sum = 0;

  explicit section_head(std::span<const std::byte> from)
      : kind(get<std::uint32_t>(from, 0)), name(get<std::uint32_t>(from, 4)),
        body(get<std::uint64_t>(from, 8)), index(get<std::uint64_t>(from, 16)),
        sum(get<std::uint64_t>(from, 24)) {}
};

bool known(std::uint32_t kind) {
  return (kind >= static_cast<std::uint32_t>(section_kind::graph) &&
          kind <= static_cast<std::uint32_t>(section_kind::timers)) ||
         kind == static_cast<std::uint32_t>(section_kind::end);
}

/// Reads a file to its end, once.
class verifier {
public:
  verifier(int fd, checkpoint_info& info, std::vector<checkpoint_file::section>& sections)
      : fd_(fd), info_(info), sections_(sections) {}

  /// Nothing if it is whole.
  std::optional<failure> run() {
    struct stat s {};
    if (::fstat(fd_, &s) != 0) return unreadable("file", errno);
    if (!S_ISREG(s.st_mode)) return refuse("file", "foreign: it is no regular file");
    info_.bytes = static_cast<std::uint64_t>(s.st_size);
    if (auto wrong = read_head()) return wrong;
    at_ = head_bytes;
    while (!ended_)
      if (auto wrong = read_section()) return wrong;
    if (at_ < info_.bytes)
      return refuse("trailer", "oversized: " + number(info_.bytes - at_) + " bytes follow it");
    return std::nullopt;
  }

private:
  std::optional<failure> refuse(const std::string& section, const std::string& why) const {
    return refused(info_.file, section, why);
  }
  std::optional<failure> unreadable(const std::string& section, int error) const {
    return refuse(section, std::string("cannot be read: ") + std::strerror(error));
  }

  std::optional<failure> read_head() {
    std::array<std::byte, head_bytes> head{};
    const auto there = std::min<std::uint64_t>(info_.bytes, head.size());
    if (const int error = read_all(fd_, 0, std::span(head).first(there)))
      return unreadable("head", error);
    const auto compared = std::min<std::size_t>(there, magic.size());
    if (compared == 0 || std::memcmp(head.data(), magic.data(), compared) != 0)
      return refuse("head", there == 0 ? "truncated: the file is empty"
                                       : "foreign: it is no checkpoint (wrong magic number)");
    if (there < head.size())
      return refuse("head", "truncated: the file ends after " + number(there) + " bytes");
    crc64 sum;
    sum.add(std::span<const std::byte>(head).first(56));
    const auto format = get<std::uint32_t>(head, 8);
    if (sum.value() != get<std::uint64_t>(head, 56))
      return refuse("head", "damaged: its checksum does not match");
    if (format != version)
      return refuse("head", "foreign: it is in format " + number(format) +
                                ", this instar reads format " + number(version));
    info_.number = get<std::uint64_t>(head, 16);
    info_.epoch = get<std::uint64_t>(head, 24);
    info_.when = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::nanoseconds(get<std::int64_t>(head, 32))));
    sums_.add(std::span<const std::byte>(head).last(8));
    return std::nullopt;
  }

  std::optional<failure> read_section() {
    const auto where = "section " + number(sections_.size());
    const auto left = info_.bytes - at_;
    if (left < section_head_bytes)
      return refuse(where, "truncated: " + number(left) + " bytes are left, and no trailer");
    std::array<std::byte, section_head_bytes> bytes{};
    if (const int error = read_all(fd_, at_, bytes)) return unreadable(where, error);
    const section_head head(bytes);
    if (!known(head.kind) || head.index != sections_.size())
      return refuse(where, "damaged: its head makes no sense");
    if (head.name > max_name || sections_.size() >= max_sections)
      return refuse(where, "oversized: its head announces more than may be");
    const auto room = left - section_head_bytes;
    if (head.body > room || padded(head.name) + padded(head.body) > room)
      return refuse(where, "truncated: its head announces " + number(head.body) +
                               " bytes, the file ends before");
    const auto rest = padded(head.name) + padded(head.body);
    crc64 sum;
    sum.add(std::span<const std::byte>(bytes).first(24));
    std::string name;
    buffer_.resize(piece_bytes);
    const auto begin = at_ + section_head_bytes;
    for (std::uint64_t done = 0; done < rest;) {
      const auto piece =
          std::span(buffer_).first(std::min<std::uint64_t>(piece_bytes, rest - done));
      if (const int error = read_all(fd_, begin + done, piece)) return unreadable(where, error);
      sum.add(piece);
      if (done == 0) {
        name.assign(reinterpret_cast<const char*>(piece.data()), head.name);
        if (head.kind == static_cast<std::uint32_t>(section_kind::end))
          std::copy_n(piece.begin(), std::min(piece.size(), totals_.size()), totals_.begin());
      }
      done += piece.size();
    }
    if (sum.value() != head.sum) return refuse(where, "damaged: its checksum does not match");
    const auto began = at_;
    at_ = begin + rest;
    const auto kind = static_cast<section_kind>(head.kind);
    if (kind == section_kind::end) return judge_totals(head, began);
    info_.operators += kind == section_kind::state;
    sections_.push_back({kind, std::move(name), head.index, began, head.body});
    sums_.add(std::span<const std::byte>(bytes).last(8));
    return std::nullopt;
  }

  std::optional<failure> judge_totals(const section_head& head, std::uint64_t before) {
    ended_ = true;
    if (head.body != trailer_bytes || head.name != 0 ||
        get<std::uint64_t>(totals_, 0) != sections_.size() ||
        get<std::uint64_t>(totals_, 8) != before ||
        get<std::uint64_t>(totals_, 16) != info_.operators ||
        get<std::uint64_t>(totals_, 24) != sums_.value())
      return refuse("trailer", "damaged: its totals are not those of the sections");
    return std::nullopt;
  }

  const int fd_;
  checkpoint_info& info_;
  std::vector<checkpoint_file::section>& sections_;
  std::uint64_t at_ = 0;
  bool ended_ = false;
  std::vector<std::byte> buffer_;
  std::array<std::byte, trailer_bytes> totals_{};
  crc64 sums_;
};

} // namespace

result<checkpoint_file> checkpoint_file::open(const std::filesystem::path& file) {
  // A pipe of that name must not hold anybody up.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0)
    return refused(file, "file", std::string("cannot be opened: ") + std::strerror(errno));
  checkpoint_file opened(fd);
  opened.info_.file = file;
  if (auto wrong = verifier(fd, opened.info_, opened.sections_).run()) return *std::move(wrong);
  return opened;
}

checkpoint_file::checkpoint_file(checkpoint_file&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), info_(std::move(other.info_)),
      sections_(std::move(other.sections_)) {}

checkpoint_file::~checkpoint_file() {
  if (fd_ >= 0) ::close(fd_);
}

result<std::vector<std::byte>> checkpoint_file::read(const section& which) const {
  const auto before = section_head_bytes + padded(which.name.size());
  std::vector<std::byte> bytes(before + padded(which.bytes));
  const auto where =
      "section " + number(which.index) + " (" + to_string(which.kind, which.name) + ")";
  if (const int error = read_all(fd_, which.at, bytes))
    return refused(info_.file, where, std::string("cannot be read: ") + std::strerror(error));
  crc64 sum;
  sum.add(std::span<const std::byte>(bytes).first(24));
  sum.add(std::span<const std::byte>(bytes).subspan(section_head_bytes));
  if (sum.value() != get<std::uint64_t>(bytes, 24))
    return refused(info_.file, where, "damaged: its checksum does not match any more");
  bytes.resize(before + which.bytes);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(before));
  return bytes;
}

} // namespace instar

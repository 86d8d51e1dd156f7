#include "services/inspect/pcap_file.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace instar::inspect {

namespace {

failure cannot_read(const std::string& name, const std::string& why) {
  return {errc::bad_input, "cannot read " + name + ": " + why};
}

bool has_blocks(std::FILE* file) {
  constexpr std::uint32_t section_header = 0x0a0d0d0a; // the same in either byte order
  std::uint32_t magic = 0;
  const bool read = std::fread(&magic, sizeof magic, 1, file) == 1;
  std::rewind(file);
  return read && magic == section_header;
}

} // namespace

result<pcap_file> pcap_file::open(int fd, const std::string& name) {
  struct stat about {};
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
    return cannot_read(name, "it is no regular file; give a file that tcpdump -w has written");
  // Anew: the place in a descriptor is shared by all who have it.
  std::FILE* file = std::fopen(("/proc/self/fd/" + std::to_string(fd)).c_str(), "rbe");
  if (!file) return cannot_read(name, std::system_category().message(errno));
  pcap_file made;
  made.blocks_ = has_blocks(file);
  char why[PCAP_ERRBUF_SIZE] = {};
  made.file_.reset(
      ::pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why));
  if (!made.file_) {
    std::fclose(file);
    return cannot_read(name, std::string(why) + "; give a file that tcpdump -w has written");
  }
  return made;
}

int pcap_file::link() const { return ::pcap_datalink(file_.get()); }

std::string pcap_file::link_name() const {
  const auto* name = ::pcap_datalink_val_to_name(link());
  return name ? name : std::to_string(link());
}

pcap_file::outcome pcap_file::next(frame& into) {
  pcap_pkthdr* header = nullptr;
  const unsigned char* data = nullptr;
  const int got = ::pcap_next_ex(file_.get(), &header, &data);
  if (got == PCAP_ERROR_BREAK) return outcome::end;
  if (got != 1) return outcome::failed;
  ++frames_;
  into.time = std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec;
  into.data = {reinterpret_cast<const char*>(data), header->caplen};
  return outcome::frame;
}

std::string pcap_file::error() const { return ::pcap_geterr(file_.get()); }

std::int64_t pcap_file::place() const { return std::ftell(::pcap_file(file_.get())); }

result<void> pcap_file::go_to(std::int64_t place, std::uint64_t frames) {
  if (!blocks_) {
    if (std::fseek(::pcap_file(file_.get()), place, SEEK_SET) != 0)
      return cannot_read("a capture file", std::system_category().message(errno));
    frames_ = frames;
    return {};
  }
  frame passed;
  while (frames_ < frames)
    if (next(passed) != outcome::frame)
      return cannot_read("a capture file", "it has become shorter");
  return {};
}

} // namespace instar::inspect

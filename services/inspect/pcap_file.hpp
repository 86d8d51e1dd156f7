#pragma once

#include "services/inspect/octets.hpp"
#include "transfer/result.hpp"

#include <pcap/pcap.h>

#include <cstdint>
#include <memory>
#include <string>

namespace instar::inspect {

/// A file of captured frames, read by libpcap: pcap or pcapng.
class pcap_file {
public:
  struct frame {
    std::int64_t time = 0; ///< nanoseconds since 1970
    octets data;           ///< until the next call
  };
  enum class outcome { frame, end, failed };

  /// Reads the file that `fd` is of from its beginning, by itself: whoever else reads the
  /// descriptor keeps its place.
  static result<pcap_file> open(int fd, const std::string& name);

  int link() const;
  std::string link_name() const;
  /// The next frame; what has failed says `error`.
  outcome next(frame& into);
  std::string error() const;

  std::uint64_t frames() const { return frames_; }
  /// Where it has come to, so that a successor may go on there.
  std::int64_t place() const;
  result<void> go_to(std::int64_t place, std::uint64_t frames);

private:
  struct closed {
    void operator()(pcap_t* file) const { ::pcap_close(file); }
  };

  std::unique_ptr<pcap_t, closed> file_;
  bool blocks_ = false; ///< pcapng, where what a frame means stands somewhere before it
  std::uint64_t frames_ = 0;
};

} // namespace instar::inspect

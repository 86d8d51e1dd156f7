#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string>

namespace instar::blocking {

enum class line_end {
  open,     ///< more has to come
  complete, ///< the line is there, without its end
  too_long,
  ended, ///< the peer sends no more, or the connection is broken
};

/// Adds to `line` what has come of it, without waiting, and takes nothing of what follows it: that
/// may be somebody else's to read.
inline line_end read_line(int from, std::string& line, std::size_t longest = 512) {
  char block[256];
  while (true) {
    const auto seen = ::recv(from, block, sizeof block, MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && errno == EINTR) continue;
    if (seen < 0 && errno == EAGAIN) return line_end::open;
    if (seen <= 0) return line_end::ended;
    const auto* const stop = std::find(block, block + seen, '\n');
    const bool complete = stop != block + seen;
    const auto wanted = static_cast<std::size_t>(stop - block) + (complete ? 1 : 0);
    const auto got = ::recv(from, block, wanted, MSG_DONTWAIT); // what was seen is there
    if (got != static_cast<ssize_t>(wanted)) return line_end::ended;
    line.append(block, wanted);
    if (complete) {
      line.pop_back();
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line_end::complete;
    }
    if (line.size() > longest) return line_end::too_long;
  }
}

} // namespace instar::blocking

#pragma once

#include "services/http/response.hpp"
#include "services/http/traffic.hpp"
#include "services/net/outbox.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace instar::http {

/// A response on its way out.
struct outgoing {
  payload_ptr<response> what;
  std::uint64_t sent = 0; ///< of head and body together

  std::uint64_t size() const { return what->head().size() + what->body.size(); }
  bool complete() const { return sent == size(); }
  bool last() const { return !what->line.keep_alive; }
  /// The connection has all of it, or is lost.
  void answered() const {
    if (what->counted_by) traffic::note_written(*what, sent, complete());
  }
};

using net::write_progress;

/// Writes responses to sockets: heads and bodies in memory gathered into as few calls as possible,
/// files by `sendfile` or, if that is not wanted or not possible, piece by piece through a buffer.
///
/// Holds nothing of a response between two calls. Not thread-safe.
class writer {
public:
  explicit writer(bool use_sendfile) : use_sendfile_(use_sendfile) {}

  /// Writes `queue` in order as far as it goes and notes that in `sent`.
  write_progress write(int socket, std::span<outgoing> queue);

private:
  write_progress gather(int socket, std::span<outgoing> queue, std::uint64_t& quota);
  write_progress send_file(int socket, outgoing& from, std::uint64_t& quota);
  write_progress copy_file(int socket, outgoing& from, std::uint64_t& quota);

  bool use_sendfile_;
  std::unique_ptr<std::byte[]> piece_; // made when it is first needed
};

} // namespace instar::http

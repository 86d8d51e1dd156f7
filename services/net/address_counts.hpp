#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace instar::net {

/// Counts the connections of each client address; of IPv6 those of each network of 64 bits, which
/// is what one client usually has. Any thread.
class address_counts : public std::enable_shared_from_this<address_counts> {
public:
  /// A place among the `most` of that address, for as long as it is held; null if all are taken.
  std::shared_ptr<const void> take(const sockaddr_storage& of, std::size_t most);
  /// Addresses that have any.
  std::size_t size() const;

private:
  class place;

  mutable std::mutex guard_;
  std::unordered_map<std::string, std::size_t> taken_;
};

} // namespace instar::net

#include "actors/blocking_context.hpp"

namespace instar {

bool blocking_context::read_all(int fd, std::span<std::byte> into, std::size_t& have) {
  while (have < into.size()) {
    const auto some = read(fd, into.subspan(have));
    if (some == 0) return false;
    have += some;
  }
  return true;
}

void blocking_context::write_all(int fd, std::span<const std::byte> from, std::size_t& done) {
  while (done < from.size()) done += write(fd, from.subspan(done));
}

} // namespace instar

#include "services/net/chunk.hpp"

#include "services/net/buffer.hpp"

#include <cstring>

namespace instar::net {

buffer::~buffer() = default;

payload_ptr<buffer> buffer::make(std::size_t size) {
  return payload_ptr<buffer>::adopt(new (size) buffer(size));
}

payload_ptr<buffer> buffer::copy(std::span<const std::byte> bytes) {
  auto made = make(bytes.size());
  if (!bytes.empty()) std::memcpy(made->data(), bytes.data(), bytes.size());
  return made;
}

chunk::~chunk() = default;

payload_ptr<chunk> chunk::make(payload_ptr<connection> from, std::span<const std::byte> bytes) {
  auto made =
      payload_ptr<chunk>::adopt(new (bytes.size()) chunk(std::move(from), bytes.size(), false));
  if (!bytes.empty()) std::memcpy(made->data(), bytes.data(), bytes.size());
  return made;
}

payload_ptr<chunk> chunk::make_end(payload_ptr<connection> from) {
  return payload_ptr<chunk>::adopt(new (0) chunk(std::move(from), 0, true));
}

} // namespace instar::net

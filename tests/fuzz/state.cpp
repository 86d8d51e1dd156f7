// Saved state from outside, as it is and with its checksum set right.
#include "transfer/state.hpp"
#include "tests/fuzz/input.hpp"
#include "transfer/crc64.hpp"

#include <capnp/any.h>
#include <kj/exception.h>

#include <cstring>
#include <vector>

using namespace instar;
using namespace instar::fuzz;

namespace {

constexpr std::size_t checksum_at = 40, checksum_end = 48;

void decode(std::span<const std::byte> bytes) {
  const auto decoded = state::decode(bytes, 1 << 20);
  if (!decoded) return require_one_line(decoded.error().message);
  // What was accepted can be walked through, or is refused while it is; and is written as it was.
  try {
    state_reader reader(*decoded);
    (void)reader.root<capnp::AnyPointer>().targetSize();
  } catch (const kj::Exception&) {
  }
  const auto again = decoded->encode();
  require(again.size() <= bytes.size(), "written again it is no larger");
  const auto twice = state::decode(again, 1 << 20);
  require(static_cast<bool>(twice), "what was written can be read");
  require(twice->header() == decoded->header(), "the header stays");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  decode(all.rest());
  if (size < checksum_end) return 0;
  std::vector<std::byte> right(size);
  std::memcpy(right.data(), data, size);
  crc64 sum;
  sum.add(std::span<const std::byte>(right).first(checksum_at));
  sum.add(std::span<const std::byte>(right).subspan(checksum_end));
  const auto value = sum.value();
  std::memcpy(right.data() + checksum_at, &value, sizeof value);
  decode(right);
  return 0;
}

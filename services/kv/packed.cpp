#include "services/kv/packed_entry.hpp"

#include <stdexcept>

namespace instar::kv {

namespace {

[[noreturn]] void malformed() {
  throw std::runtime_error("an entry of the key-value store is malformed");
}

} // namespace

void packed_writer::number(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
  byte(static_cast<std::uint8_t>(value));
}

void packed_writer::signed_number(std::int64_t value) {
  number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

std::uint8_t packed_reader::byte() {
  if (left_.empty()) malformed();
  const auto value = static_cast<std::uint8_t>(left_[0]);
  left_.remove_prefix(1);
  return value;
}

std::uint64_t packed_reader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto b = byte();
    value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if (b < 0x80) return value;
  }
  malformed();
}

std::int64_t packed_reader::signed_number() {
  const auto value = number();
  return static_cast<std::int64_t>((value >> 1) ^ (0 - (value & 1)));
}

std::string_view packed_reader::raw(std::size_t size) {
  if (size > left_.size()) malformed();
  const auto bytes = left_.substr(0, size);
  left_.remove_prefix(size);
  return bytes;
}

std::string_view packed_reader::text() {
  const auto size = number();
  if (size > left_.size()) malformed();
  return raw(static_cast<std::size_t>(size));
}

std::size_t packed_reader::count(std::size_t bytes_each) {
  const auto n = number();
  if (n > left_.size() / bytes_each) malformed();
  return static_cast<std::size_t>(n);
}

std::string later::pack() const {
  if (empty()) return {};
  packed_writer to;
  to.byte(static_cast<std::uint8_t>(content | (expires != 0 ? has_expiry : 0)));
  if (expires != 0)
    for (unsigned shift = 0; shift < 64; shift += 8)
      to.byte(static_cast<std::uint8_t>(static_cast<std::uint64_t>(expires) >> shift));
  to.raw(packed);
  return to.take();
}

later later::unpack(std::string_view bytes) {
  constexpr std::size_t expiry_bytes = 8;
  later made;
  if (bytes.empty()) return made;
  const auto flags = static_cast<std::uint8_t>(bytes[0]);
  made.content = flags & ~has_expiry;
  made.packed = bytes.substr(1);
  const bool one = made.content == 0 || made.content == has_list || made.content == has_hash ||
                   made.content == is_unknown;
  if (!one || ((flags & has_expiry) && made.packed.size() < expiry_bytes))
    return {0, is_unknown, bytes};
  if (!(flags & has_expiry)) return made;
  std::uint64_t expires = 0;
  for (std::size_t i = 0; i < expiry_bytes; ++i)
    expires |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(made.packed[i])) << (8 * i);
  made.expires = static_cast<std::int64_t>(expires);
  made.packed.remove_prefix(expiry_bytes);
  return made;
}

bool later::texts_are(std::size_t each) const {
  try {
    packed_reader from(packed);
    for (auto n = from.count(each) * each; n > 0; --n) from.text();
    return from.empty();
  } catch (const std::runtime_error&) {
    return false;
  }
}

packed_entry packed_entry::read(packed_reader& from) {
  packed_entry e;
  e.key = from.text();
  const auto flags = from.byte();
  if ((flags & ~(expiring | 3)) != 0) malformed();
  e.kind = static_cast<content>(flags & 3);
  if (flags & expiring) e.expires = from.signed_number();
  return e;
}

} // namespace instar::kv

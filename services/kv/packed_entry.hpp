#pragma once

#include "services/kv/packed.hpp"

#include <cstdint>
#include <string_view>

namespace instar::kv {

/// How an entry of version 5 begins when it is packed; its content follows.
///
///   key: text; flags: 1 byte, the kind and `expiring`; [expires: signed number, if `expiring`];
///   a text | a signed number | a list: count, texts | a hash: count, names and values
struct packed_entry {
  enum class content : std::uint8_t { text, number, list, hash };
  static constexpr std::uint8_t expiring = 8;

  std::string_view key;
  packed_entry::content kind = content::text;
  std::int64_t expires = 0;

  void write(packed_writer& to) const {
    to.text(key);
    to.byte(static_cast<std::uint8_t>(static_cast<unsigned>(kind) | (expires != 0 ? expiring : 0)));
    if (expires != 0) to.signed_number(expires);
  }
  static packed_entry read(packed_reader& from);
};

} // namespace instar::kv

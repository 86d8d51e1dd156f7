#pragma once

#include "services/kv/convert.hpp"
#include "state_v4.capnp.h"
#include "state_v5.capnp.h"

#include <charconv>

namespace instar::kv {

/// All entries into one piece of bytes; texts that are numbers become numbers.
inline void part_4_to_5(KvPart4::Reader from, KvPart5::Builder to) {
  using content = packed_entry::content;
  packed_writer packed, keys;
  for (const auto e : from.getEntries()) {
    packed_entry head{text_of(e.getKey()), content::text, e.getExpires()};
    const auto value = e.getValue();
    std::int64_t number = 0;
    if (value.isList()) head.kind = content::list;
    else if (value.isHash()) head.kind = content::hash;
    else if (parse_integer(text_of(value.getText()), number)) head.kind = content::number;
    head.write(packed);
    if (value.isList()) packed.raw(pack_list(value.getList()));
    else if (value.isHash()) packed.raw(pack_hash(value.getHash()));
    else if (head.kind == content::number) packed.signed_number(number);
    else packed.text(text_of(value.getText()));
  }
  for (const auto k : from.getGone()) keys.text(text_of(k));
  to.setCount(from.getEntries().size());
  to.setPacked(data_of(packed.bytes()));
  to.setGoneCount(from.getGone().size());
  to.setGone(data_of(keys.bytes()));
}

/// Numbers become texts again, the same ones.
inline void part_5_to_4(KvPart5::Reader from, KvPart4::Builder to) {
  using content = packed_entry::content;
  packed_reader packed(text_of(from.getPacked())), keys(text_of(from.getGone()));
  if (from.getCount() > packed.left().size()) throw std::runtime_error("a part is malformed");
  auto entries = to.initEntries(from.getCount());
  for (auto made : entries) {
    const auto e = packed_entry::read(packed);
    made.setKey(data_of(e.key));
    made.setExpires(e.expires);
    auto value = made.getValue();
    if (e.kind == content::list) {
      unpack_list(packed, [&](unsigned n) { return value.initList(n); });
    } else if (e.kind == content::hash) {
      unpack_hash(packed, [&](unsigned n) { return value.initHash(n); });
    } else if (e.kind == content::number) {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, packed.signed_number()).ptr;
      value.setText(data_of({digits, static_cast<std::size_t>(end - digits)}));
    } else {
      value.setText(data_of(packed.text()));
    }
  }
  if (from.getGoneCount() > keys.left().size()) throw std::runtime_error("a part is malformed");
  auto gone = to.initGone(from.getGoneCount());
  for (unsigned i = 0; i < gone.size(); ++i) gone.set(i, data_of(keys.text()));
}

} // namespace instar::kv

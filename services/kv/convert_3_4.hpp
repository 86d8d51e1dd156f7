#pragma once

#include "services/kv/convert.hpp"
#include "state_v3.capnp.h"
#include "state_v4.capnp.h"

namespace instar::kv {

/// A hash that version 3 has kept becomes one.
inline void part_3_to_4(KvPart3::Reader from, KvPart4::Builder to) {
  convert_entries(from, to, [](KvPart3::Entry::Reader e, KvPart4::Entry::Builder made) {
    made.setExpires(e.getExpires());
    const auto kept = later::unpack(text_of(e.getLater()));
    if (!kept.is_hash()) return copy_text_or_list(e.getValue(), made.getValue());
    packed_reader packed(kept.packed);
    unpack_hash(packed, [&](unsigned n) { return made.getValue().initHash(n); });
  });
}

/// A hash is kept for later.
inline void part_4_to_3(KvPart4::Reader from, KvPart3::Builder to) {
  convert_entries(from, to, [](KvPart4::Entry::Reader e, KvPart3::Entry::Builder made) {
    made.setExpires(e.getExpires());
    if (!e.getValue().isHash()) return copy_text_or_list(e.getValue(), made.getValue());
    const auto packed = pack_hash(e.getValue().getHash());
    later kept;
    kept.content = later::has_hash;
    kept.packed = packed;
    made.setLater(data_of(kept.pack()));
  });
}

} // namespace instar::kv

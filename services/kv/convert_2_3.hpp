#pragma once

#include "services/kv/convert.hpp"
#include "state_v2.capnp.h"
#include "state_v3.capnp.h"

namespace instar::kv {

/// Entries whose expiry version 2 has kept expire again, at once if their time has come meanwhile.
inline void part_2_to_3(KvPart2::Reader from, KvPart3::Builder to) {
  convert_entries(from, to, [](KvPart2::Entry::Reader e, KvPart3::Entry::Builder made) {
    auto kept = later::unpack(text_of(e.getLater()));
    made.setExpires(kept.expires);
    kept.expires = 0;
    copy_text_or_list(e.getValue(), made.getValue());
    made.setLater(data_of(kept.pack()));
  });
}

/// When an entry expires is kept for later.
inline void part_3_to_2(KvPart3::Reader from, KvPart2::Builder to) {
  convert_entries(from, to, [](KvPart3::Entry::Reader e, KvPart2::Entry::Builder made) {
    auto kept = later::unpack(text_of(e.getLater()));
    kept.expires = e.getExpires();
    copy_text_or_list(e.getValue(), made.getValue());
    made.setLater(data_of(kept.pack()));
  });
}

} // namespace instar::kv

#pragma once

#include "services/kv/convert.hpp"
#include "state_v1.capnp.h"
#include "state_v2.capnp.h"

namespace instar::kv {

/// A list that version 1 has kept becomes one.
inline void part_1_to_2(KvPart1::Reader from, KvPart2::Builder to) {
  convert_entries(from, to, [](KvPart1::Entry::Reader e, KvPart2::Entry::Builder made) {
    auto kept = later::unpack(text_of(e.getLater()));
    if (kept.is_list()) {
      packed_reader packed(kept.packed);
      unpack_list(packed, [&](unsigned n) { return made.getValue().initList(n); });
      kept.content = 0;
      kept.packed = {};
    } else {
      made.getValue().setText(e.getText());
    }
    made.setLater(data_of(kept.pack()));
  });
}

/// A list is kept for later.
inline void part_2_to_1(KvPart2::Reader from, KvPart1::Builder to) {
  convert_entries(from, to, [](KvPart2::Entry::Reader e, KvPart1::Entry::Builder made) {
    if (!e.getValue().isList()) {
      made.setText(e.getValue().getText());
      made.setLater(e.getLater());
      return;
    }
    auto kept = later::unpack(text_of(e.getLater()));
    const auto packed = pack_list(e.getValue().getList());
    kept.content = later::has_list;
    kept.packed = packed;
    made.setLater(data_of(kept.pack()));
  });
}

} // namespace instar::kv

#pragma once

#include "services/kv/compact_value.hpp"
#include "services/kv/packed_entry.hpp"
#include "services/kv/value.hpp"
#include "transfer/keyed_state.hpp"

#include <capnp/blob.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace instar::kv {

inline std::string_view text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}
inline capnp::Data::Reader data_of(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

/// The parts of the entries of versions 1 to 4, whose schemas differ in what an entry may be.
template <unsigned Version, class Part>
struct plain_codec {
  using part = Part;
  using value = plain_value<Version>;
  using map = tracked_map<std::string, value>;
  using entry = typename map::entry;

  static std::size_t bytes(const entry& e) { return e.key.size() + e.value.bytes() + 32; }

  static void write(std::span<const entry* const> entries, std::span<const std::string> gone,
                    typename Part::Builder to) {
    auto list = to.initEntries(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) write(*entries[i], list[i]);
    auto keys = to.initGone(static_cast<unsigned>(gone.size()));
    for (unsigned i = 0; i < keys.size(); ++i) keys.set(i, data_of(gone[i]));
  }

  template <class Put, class Gone>
  static void read(typename Part::Reader from, Put put, Gone gone) {
    for (const auto e : from.getEntries()) put(text_of(e.getKey()), read_value(e));
    for (const auto k : from.getGone()) gone(text_of(k));
  }

private:
  static void write(const entry& e, typename Part::Entry::Builder to) {
    const auto& v = e.value;
    to.setKey(data_of(e.key));
    if constexpr (value::expiry) to.setExpires(v.expires());
    if constexpr (value::keeps_later) to.setLater(data_of(v.later_bytes()));
    text_room room;
    if constexpr (Version == 1) {
      to.setText(data_of(v.text(room)));
    } else {
      if constexpr (value::hashes)
        if (v.kind() == value_kind::hash) {
          auto fields = to.getValue().initHash(static_cast<unsigned>(v.hash().size()));
          unsigned i = 0;
          return v.hash().for_each([&](std::string_view name, std::string_view text) {
            fields[i].setName(data_of(name));
            fields[i++].setValue(data_of(text));
          });
        }
      if (v.kind() == value_kind::list) {
        const auto& list = v.list();
        auto texts = to.getValue().initList(static_cast<unsigned>(list.size()));
        for (unsigned i = 0; i < texts.size(); ++i) texts.set(i, data_of(list[i]));
      } else {
        to.getValue().setText(data_of(v.text(room)));
      }
    }
  }

  static value read_value(typename Part::Entry::Reader from) {
    value v;
    if constexpr (Version == 1) {
      v.assign(text_of(from.getText()));
    } else {
      const auto content = from.getValue();
      if (content.isText()) v.assign(text_of(content.getText()));
      else if (content.isList()) {
        auto& list = v.make_list();
        for (const auto t : content.getList()) list.push_back(text_of(t));
      } else if constexpr (value::hashes) {
        if (content.isHash()) {
          auto& hash = v.make_hash();
          for (const auto f : content.getHash())
            hash.set(text_of(f.getName()), text_of(f.getValue()));
        }
      }
    }
    if constexpr (value::expiry) v.expire_at(from.getExpires());
    if constexpr (value::keeps_later) {
      v.keep_later(text_of(from.getLater()));
      if constexpr (Version > 1)
        if (v.kind() == value_kind::later && !from.getValue().isText())
          throw std::runtime_error("an entry of the key-value store has two values");
    }
    return v;
  }
};

/// The parts of the entries of version 5: one piece of bytes.
template <class Part>
struct compact_codec {
  using part = Part;
  using value = compact_value;
  using map = tracked_map<small_text, value>;
  using entry = typename map::entry;

  static std::size_t bytes(const entry& e) { return e.key.size() + e.value.bytes() + 12; }

  static void write(std::span<const entry* const> entries, std::span<const small_text> gone,
                    typename Part::Builder to) {
    packed_writer packed, keys;
    for (const auto* e : entries) write(*e, packed);
    for (const auto& k : gone) keys.text(k);
    to.setCount(static_cast<std::uint32_t>(entries.size()));
    to.setPacked(data_of(packed.bytes()));
    to.setGoneCount(static_cast<std::uint32_t>(gone.size()));
    to.setGone(data_of(keys.bytes()));
  }

  template <class Put, class Gone>
  static void read(typename Part::Reader from, Put put, Gone gone) {
    packed_reader packed(text_of(from.getPacked())), keys(text_of(from.getGone()));
    for (auto n = from.getCount(); n > 0; --n) {
      const auto e = packed_entry::read(packed);
      put(e.key, read_value(e, packed));
    }
    for (auto n = from.getGoneCount(); n > 0; --n) gone(keys.text());
  }

private:
  using content = packed_entry::content;

  static void write(const entry& e, packed_writer& to) {
    const auto& v = e.value;
    packed_entry head{e.key, content::text, v.expires()};
    if (v.kind() == value_kind::list) {
      head.kind = content::list;
      head.write(to);
      to.number(v.list().size());
      for (std::size_t i = 0; i < v.list().size(); ++i) to.text(v.list()[i]);
    } else if (v.kind() == value_kind::hash) {
      head.kind = content::hash;
      head.write(to);
      to.number(v.hash().size());
      v.hash().for_each([&](std::string_view name, std::string_view text) {
        to.text(name);
        to.text(text);
      });
    } else if (std::int64_t number; v.number(number)) {
      head.kind = content::number;
      head.write(to);
      to.signed_number(number);
    } else {
      head.write(to);
      text_room room;
      to.text(v.text(room));
    }
  }

  static value read_value(const packed_entry& head, packed_reader& from) {
    value v;
    switch (head.kind) {
    case content::text:
      v.assign(from.text());
      break;
    case content::number:
      v.assign(from.signed_number());
      break;
    case content::list: {
      auto& list = v.make_list();
      for (auto n = from.count(); n > 0; --n) list.push_back(from.text());
      break;
    }
    case content::hash: {
      auto& hash = v.make_hash();
      for (auto n = from.count(2); n > 0; --n) {
        const auto name = from.text();
        hash.set(name, from.text());
      }
      break;
    }
    }
    v.expire_at(head.expires);
    return v;
  }
};

} // namespace instar::kv

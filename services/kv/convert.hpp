#pragma once

// Converters between the parts of two neighbouring versions; in a file for each pair. What the
// older version cannot express it keeps as `later` (packed.hpp), so that there and back again
// nothing is lost.

#include "services/kv/codec.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace instar::kv {

template <class From, class To>
void convert_gone(From from, To to) {
  const auto keys = from.getGone();
  auto copied = to.initGone(keys.size());
  for (unsigned i = 0; i < keys.size(); ++i) copied.set(i, keys[i]);
}

/// Calls `each` with every entry and the one it becomes.
template <class From, class To, class Each>
void convert_entries(From from, To to, Each each) {
  const auto entries = from.getEntries();
  auto converted = to.initEntries(entries.size());
  for (unsigned i = 0; i < entries.size(); ++i) {
    converted[i].setKey(entries[i].getKey());
    each(entries[i], converted[i]);
  }
  convert_gone(from, to);
}

template <class Texts>
std::string pack_list(Texts texts) {
  packed_writer to;
  to.number(texts.size());
  for (const auto t : texts) to.text(text_of(t));
  return to.take();
}

/// `init` makes the list that so many texts go into.
template <class Init>
void unpack_list(packed_reader& from, Init init) {
  const auto count = from.count();
  auto texts = init(static_cast<unsigned>(count));
  for (unsigned i = 0; i < texts.size(); ++i) texts.set(i, data_of(from.text()));
}

template <class Fields>
std::string pack_hash(Fields fields) {
  packed_writer to;
  to.number(fields.size());
  for (const auto f : fields) {
    to.text(text_of(f.getName()));
    to.text(text_of(f.getValue()));
  }
  return to.take();
}

template <class Init>
void unpack_hash(packed_reader& from, Init init) {
  const auto count = from.count(2);
  auto fields = init(static_cast<unsigned>(count));
  for (unsigned i = 0; i < fields.size(); ++i) {
    fields[i].setName(data_of(from.text()));
    fields[i].setValue(data_of(from.text()));
  }
}

template <class From, class To>
void copy_text_or_list(From from, To to) {
  if (from.isList()) to.setList(from.getList());
  else to.setText(from.getText());
}

} // namespace instar::kv

#pragma once

#include "transfer/schema.hpp"

#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <span>
#include <string>
#include <vector>

namespace instar::test {

enum class field { number, text };

/// The schemas of a module that carries one struct, as `capnp compile` would have written them.
inline schema_set made_schemas(std::uint64_t id, const char* name,
                               const std::vector<field>& fields) {
  capnp::MallocMessageBuilder message;
  auto node = message.initRoot<capnp::schema::CodeGeneratorRequest>().initNodes(1)[0];
  node.setId(id);
  node.setDisplayName(name);
  auto body = node.initStruct();
  unsigned numbers = 0, texts = 0;
  auto list = body.initFields(static_cast<unsigned>(fields.size()));
  for (unsigned i = 0; i < fields.size(); ++i) {
    list[i].setName("f" + std::to_string(i));
    list[i].setCodeOrder(static_cast<std::uint16_t>(i));
    list[i].initOrdinal().setExplicit(static_cast<std::uint16_t>(i));
    auto slot = list[i].initSlot();
    if (fields[i] == field::number) {
      slot.setOffset(numbers++);
      slot.initType().setUint64();
      slot.initDefaultValue().setUint64(0);
    } else {
      slot.setOffset(texts++);
      slot.initType().setText();
      slot.initDefaultValue().setText("");
    }
  }
  body.setDataWordCount(static_cast<std::uint16_t>(numbers));
  body.setPointerCount(static_cast<std::uint16_t>(texts));
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return schema_set::parse(std::as_bytes(std::span(bytes.begin(), bytes.size()))).value();
}

} // namespace instar::test

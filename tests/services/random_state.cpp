#include "services/random_state.hpp"

#include <capnp/any.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>
#include <kj/string.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace instar::test {

namespace {

using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;
using wire = capnp::schema::Type;

struct rng {
  std::mt19937_64& random;
  choice from;

  std::uint64_t operator()() { return random(); }
};

constexpr int deepest = 4;

void fill(DynamicStruct::Builder into, rng& random, int depth);

/// Small, large and everything between.
std::uint64_t number(rng& random) {
  if (random.from.numbers > 0) return random() % random.from.numbers;
  switch (random() % 4) {
  case 0:
    return random() % 3;
  case 1:
    return ~std::uint64_t{0} - random() % 3;
  default:
    return random() >> random() % 64;
  }
}

std::string letters(rng& random) {
  if (random.from.texts > 0) return "t" + std::to_string(random() % random.from.texts);
  std::string text(random() % 20, ' ');
  for (auto& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

template <class T>
DynamicValue::Reader cut(std::uint64_t n) {
  return static_cast<T>(n);
}

/// Numbers and enumerants; of all others nothing.
DynamicValue::Reader plain(capnp::Type type, rng& random) {
  const auto n = number(random);
  switch (type.which()) {
  case wire::BOOL:
    return (n & 1) != 0;
  case wire::INT8:
    return cut<std::int8_t>(n);
  case wire::INT16:
    return cut<std::int16_t>(n);
  case wire::INT32:
    return cut<std::int32_t>(n);
  case wire::INT64:
    return cut<std::int64_t>(n);
  case wire::UINT8:
    return cut<std::uint8_t>(n);
  case wire::UINT16:
    return cut<std::uint16_t>(n);
  case wire::UINT32:
    return cut<std::uint32_t>(n);
  case wire::UINT64:
    return n;
  case wire::FLOAT32:
    return static_cast<float>(n);
  case wire::FLOAT64:
    return static_cast<double>(n) / 3;
  case wire::ENUM: {
    const auto all = type.asEnum().getEnumerants();
    return capnp::DynamicEnum(all[static_cast<unsigned>(n % all.size())]);
  }
  default:
    return capnp::VOID;
  }
}

void fill(DynamicList::Builder into, capnp::ListSchema schema, rng& random, int depth) {
  const auto element = schema.getElementType();
  for (unsigned i = 0; i < into.size(); ++i) {
    if (element.isStruct()) {
      fill(into[i].as<DynamicStruct>(), random, depth + 1);
    } else if (element.isList()) {
      const unsigned n = depth < deepest ? random() % 3 : 0;
      fill(into.init(i, n).as<DynamicList>(), element.asList(), random, depth + 1);
    } else if (element.isText() || element.isData()) {
      const auto text = letters(random);
      if (element.isText()) into.set(i, text.c_str());
      else into.set(i, capnp::Data::Reader(kj::StringPtr(text.c_str()).asBytes()));
    } else if (!element.isAnyPointer() && !element.isInterface()) {
      into.set(i, plain(element, random));
    }
  }
}

void fill(DynamicStruct::Builder into, capnp::StructSchema::Field field, rng& random, int depth) {
  const auto type = field.getType();
  if (field.getProto().isGroup()) return fill(into.init(field).as<DynamicStruct>(), random, depth);
  if (type.isText()) return into.set(field, letters(random).c_str());
  if (type.isData())
    return into.set(field, capnp::Data::Reader(kj::StringPtr(letters(random).c_str()).asBytes()));
  if (type.isList()) {
    const unsigned n = depth < deepest ? random() % 5 : 0;
    return fill(into.init(field, n).as<DynamicList>(), type.asList(), random, depth + 1);
  }
  if (type.isStruct()) {
    if (depth < deepest) fill(into.init(field).as<DynamicStruct>(), random, depth + 1);
    return;
  }
  if (!type.isAnyPointer() && !type.isInterface()) into.set(field, plain(type, random));
}

void fill(DynamicStruct::Builder into, rng& random, int depth) {
  for (const auto field : into.getSchema().getNonUnionFields())
    if (random() % 4 != 0 && random.from.without != field.getProto().getName().cStr())
      fill(into, field, random, depth);
  const auto members = into.getSchema().getUnionFields();
  if (members.size() > 0)
    fill(into, members[static_cast<unsigned>(random() % members.size())], random, depth);
}

/// As text: says everything about a value whose type is the same on both sides.
std::string text(DynamicValue::Reader value) { return kj::str(value).cStr(); }

/// As `text_of`.
std::string sorted_text(DynamicValue::Reader value) {
  std::string all;
  if (value.getType() == DynamicValue::STRUCT) {
    const auto whole = value.as<DynamicStruct>();
    for (const auto field : whole.getSchema().getFields()) {
      const std::string name = field.getProto().getName().cStr();
      if (name.ends_with("Ns") || !whole.has(field)) continue;
      all += name + "=" + sorted_text(whole.get(field)) + " ";
    }
    return "(" + all + ")";
  }
  if (value.getType() != DynamicValue::LIST) return text(value);
  const auto list = value.as<DynamicList>();
  std::vector<std::string> elements;
  for (const auto one : list) elements.push_back(sorted_text(one));
  if (list.getSchema().getElementType().isStruct()) std::sort(elements.begin(), elements.end());
  for (const auto& one : elements) all += one + ",";
  return "[" + all + "]";
}

bool same_type(capnp::Type a, capnp::Type b) {
  if (a.which() != b.which()) return false;
  if (a.isList()) return same_type(a.asList().getElementType(), b.asList().getElementType());
  if (a.isStruct()) return a.asStruct().getProto().getId() == b.asStruct().getProto().getId();
  if (a.isEnum()) return a.asEnum().getProto().getId() == b.asEnum().getProto().getId();
  return !a.isAnyPointer() && !a.isInterface();
}

} // namespace

dynamic_schemas::dynamic_schemas(const schema_set& from) {
  const auto words = from.words();
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kj::maxValue;
  capnp::FlatArrayMessageReader message(
      kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size()), options);
  for (const auto node : message.getRoot<capnp::schema::CodeGeneratorRequest>().getNodes())
    loader_.load(node);
}

capnp::StructSchema dynamic_schemas::find(std::uint64_t type) const {
  return loader_.get(type).asStruct();
}

state dynamic_schemas::random(const state_header& header, std::mt19937_64& random,
                              choice from) const {
  auto message = std::make_shared<capnp::MallocMessageBuilder>();
  rng chance{random, from};
  fill(message->initRoot<DynamicStruct>(find(header.schema_id)), chance, 0);
  return {header, std::move(message)};
}

dynamic_state::dynamic_state(const state& of, capnp::StructSchema schema)
    : of_(of), reader_(of_), root_(reader_.root<capnp::AnyPointer>().getAs<DynamicStruct>(schema)) {
}

std::string text_of(const state& of, capnp::StructSchema schema) {
  return sorted_text(dynamic_state(of, schema).root());
}

std::string differing_fields(DynamicStruct::Reader a, DynamicStruct::Reader b,
                             std::size_t& compared, lists how) {
  const auto say = how == lists::as_they_are ? &text : &sorted_text;
  std::string names;
  for (const auto field : a.getSchema().getNonUnionFields()) {
    const auto name = field.getProto().getName();
    KJ_IF_MAYBE (other, b.getSchema().findFieldByName(name)) {
      const bool groups = field.getProto().isGroup();
      if (groups != other->getProto().isGroup()) continue;
      if (groups) {
        names += differing_fields(a.get(field).as<DynamicStruct>(),
                                  b.get(*other).as<DynamicStruct>(), compared, how);
        continue;
      }
      if (!same_type(field.getType(), other->getType())) continue;
      ++compared;
      if (say(a.get(field)) != say(b.get(*other))) names += std::string(name.cStr()) + " ";
    }
  }
  return names;
}

} // namespace instar::test

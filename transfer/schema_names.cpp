#include "transfer/schema_names.hpp"

#include <cctype>

namespace instar {

namespace wire = capnp::schema;

namespace {

// Annotations of c++.capnp.
constexpr std::uint64_t namespace_annotation = 0xb9c6f99ebf805f2c;
constexpr std::uint64_t name_annotation = 0xf264a779fef191ce;

template <class Annotated>
std::string annotation(const Annotated& of, std::uint64_t id) {
  for (const auto a : of.getAnnotations())
    if (a.getId() == id && a.getValue().isText()) return a.getValue().getText().cStr();
  return {};
}

template <class Named>
std::string name_of(const Named& of) {
  auto given = annotation(of, name_annotation);
  return given.empty() ? std::string(of.getName().cStr()) : given;
}

bool lower(char c) { return std::islower(static_cast<unsigned char>(c)); }
bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)); }

std::string capital(std::string name) {
  if (!name.empty() && lower(name[0]))
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

/// `fooBar` becomes `FOO_BAR`, as capnpc-c++ has it.
std::string constant(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (upper(c) && !text.empty()) text += '_';
    text += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text == "NULL" ? "NULL_" : text;
}

capnp::ReaderOptions unlimited() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = kj::maxValue;
  return options;
}

kj::ArrayPtr<const capnp::word> as_words(std::span<const std::uint64_t> words) {
  return kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size());
}

} // namespace

schema_names::schema_names(const schema_set& of) : message_(as_words(of.words()), unlimited()) {
  if (of.words().empty()) return;
  for (const auto n : message_.getRoot<wire::CodeGeneratorRequest>().getNodes())
    nodes_.emplace(n.getId(), n);
}

const schema_names::node* schema_names::find(std::uint64_t id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::string schema_names::short_name(const node& of) const {
  auto given = annotation(of, name_annotation);
  if (given.empty()) {
    const std::string display = of.getDisplayName().cStr();
    given = display.substr(std::min<std::size_t>(of.getDisplayNamePrefixLength(), display.size()));
  }
  return of.isStruct() && of.getStruct().getIsGroup() ? capital(given) : given;
}

const schema_names::node* schema_names::file_node(const node& of) const {
  const auto* at = &of;
  for (int depth = 0; at && depth < 64; ++depth) {
    if (at->isFile()) return at;
    at = find(at->getScopeId());
  }
  return nullptr;
}

std::string schema_names::cxx_type(const node& of) const {
  std::string path;
  const auto* at = &of;
  for (int depth = 0; at && !at->isFile() && depth < 64; ++depth) {
    path = "::" + short_name(*at) + path;
    at = find(at->getScopeId());
  }
  const auto* file = file_node(of);
  const auto space = file ? annotation(*file, namespace_annotation) : std::string();
  return (space.empty() ? "" : "::" + space) + path;
}

std::string schema_names::cxx_field(const field& of) { return capital(name_of(of)); }

std::string schema_names::cxx_enumerant(const wire::Enumerant::Reader& of) {
  return constant(name_of(of));
}

std::string schema_names::cxx_member(const field& of) { return constant(name_of(of)); }

std::string schema_names::file_of(const node& of) const {
  const auto* file = file_node(of);
  if (!file) return {};
  const std::string path = file->getDisplayName().cStr();
  return path.substr(path.rfind('/') + 1);
}

std::uint64_t schema_names::file_id_of(const node& of) const {
  const auto* file = file_node(of);
  return file ? file->getId() : 0;
}

std::string schema_names::text(const wire::Type::Reader& type) const {
  const auto named = [&](std::uint64_t id) {
    const auto* found = find(id);
    if (!found) return std::string("an unknown type");
    const std::string display = found->getDisplayName().cStr();
    return display.substr(display.rfind('/') + 1);
  };
  switch (type.which()) {
  case wire::Type::VOID:
    return "Void";
  case wire::Type::BOOL:
    return "Bool";
  case wire::Type::INT8:
    return "Int8";
  case wire::Type::INT16:
    return "Int16";
  case wire::Type::INT32:
    return "Int32";
  case wire::Type::INT64:
    return "Int64";
  case wire::Type::UINT8:
    return "UInt8";
  case wire::Type::UINT16:
    return "UInt16";
  case wire::Type::UINT32:
    return "UInt32";
  case wire::Type::UINT64:
    return "UInt64";
  case wire::Type::FLOAT32:
    return "Float32";
  case wire::Type::FLOAT64:
    return "Float64";
  case wire::Type::TEXT:
    return "Text";
  case wire::Type::DATA:
    return "Data";
  case wire::Type::LIST:
    return "List(" + text(type.getList().getElementType()) + ")";
  case wire::Type::ENUM:
    return named(type.getEnum().getTypeId());
  case wire::Type::STRUCT:
    return named(type.getStruct().getTypeId());
  case wire::Type::INTERFACE:
    return "an interface";
  case wire::Type::ANY_POINTER:
    return "AnyPointer";
  }
  return "an unknown type";
}

std::string schema_names::text(const field& of) const {
  return of.isGroup() ? "a group" : text(of.getSlot().getType());
}

} // namespace instar

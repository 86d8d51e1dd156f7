#include "transfer/schema.hpp"

#include "transfer/kj_text.hpp"

#include <capnp/schema-loader.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <set>
#include <utility>

namespace instar {

namespace wire = capnp::schema;

/// The bytes are kept, not a reader of them: a reader is for one thread.
struct schema_set::content {
  std::vector<std::uint64_t> words;           ///< of a request with nodes only; safe to read
  std::map<std::uint64_t, std::string> names; ///< display names of all nodes, by id
};

namespace {

constexpr std::size_t max_request = std::size_t{16} << 20;

std::string hex(std::uint64_t id) {
  char text[32];
  std::snprintf(text, sizeof text, "@0x%016llx", static_cast<unsigned long long>(id));
  return text;
}

/// `file.capnp:Type` without the folders.
std::string short_name(wire::Node::Reader node) {
  const auto name = one_line(node.getDisplayName().cStr());
  return name.substr(name.rfind('/') + 1);
}

kj::ArrayPtr<const capnp::word> as_words(const std::vector<std::uint64_t>& words) {
  return kj::arrayPtr(reinterpret_cast<const capnp::word*>(words.data()), words.size());
}

/// Reads every name once. SchemaLoader (0.9.2) puts names into its own messages without having
/// checked them, and a name that cannot be read sends it into endless recursion.
void check_names(wire::Node::Reader node) {
  node.getDisplayName();
  if (node.isStruct())
    for (const auto field : node.getStruct().getFields()) field.getName();
  if (node.isEnum())
    for (const auto enumerant : node.getEnum().getEnumerants()) enumerant.getName();
  if (node.isInterface())
    for (const auto method : node.getInterface().getMethods()) method.getName();
}

/// The nodes of an untrusted request, copied out: a copy is a tree, in which no pointer leads to
/// the same place as another, so reading it has a bound. Throws if it is malformed.
std::vector<std::uint64_t> safe_copy(const std::vector<std::uint64_t>& request) {
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = request.size() * 2 + 1024;
  capnp::FlatArrayMessageReader untrusted(as_words(request), limits);
  capnp::MallocMessageBuilder copy;
  copy.initRoot<wire::CodeGeneratorRequest>().setNodes(
      untrusted.getRoot<wire::CodeGeneratorRequest>().getNodes());
  const auto flat = capnp::messageToFlatArray(copy);
  std::vector<std::uint64_t> words(flat.size());
  std::memcpy(words.data(), flat.begin(), flat.size() * sizeof(capnp::word));
  return words;
}

/// The nodes of a request that `safe_copy` made, open for reading by one thread.
class request_reader {
public:
  explicit request_reader(const std::vector<std::uint64_t>& words)
      : message_(as_words(words), unlimited()) {
    for (const auto node : message_.getRoot<wire::CodeGeneratorRequest>().getNodes())
      nodes_.emplace(node.getId(), node);
  }

  const std::map<std::uint64_t, wire::Node::Reader>& nodes() const { return nodes_; }
  const wire::Node::Reader* find(std::uint64_t id) const {
    const auto found = nodes_.find(id);
    return found == nodes_.end() ? nullptr : &found->second;
  }

private:
  static capnp::ReaderOptions unlimited() {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = kj::maxValue;
    return options;
  }

  capnp::FlatArrayMessageReader message_;
  std::map<std::uint64_t, wire::Node::Reader> nodes_;
};

/// The struct and enum types that a message of some type can hold, that type included.
class reachable_types {
public:
  reachable_types(const request_reader& request, std::uint64_t root) : request_(request) {
    add(root);
    for (std::size_t next = 0; next < ids_.size(); ++next) {
      const auto* node = request_.find(ids_[next]);
      if (node && node->isStruct())
        for (const auto field : node->getStruct().getFields()) visit(field);
    }
  }

  /// The type itself first.
  const std::vector<std::uint64_t>& ids() const { return ids_; }

private:
  void add(std::uint64_t id) {
    if (seen_.insert(id).second) ids_.push_back(id);
  }
  void visit(wire::Field::Reader field) {
    if (field.isGroup()) add(field.getGroup().getTypeId());
    else if (field.isSlot()) visit(field.getSlot().getType());
  }
  void visit(wire::Type::Reader type) {
    switch (type.which()) {
    case wire::Type::LIST:
      return visit(type.getList().getElementType());
    case wire::Type::ENUM:
      return add(type.getEnum().getTypeId());
    case wire::Type::STRUCT:
      add(type.getStruct().getTypeId());
      return visit(type.getStruct().getBrand());
    default:
      return;
    }
  }
  void visit(wire::Brand::Reader arguments) {
    for (const auto scope : arguments.getScopes())
      if (scope.isBind())
        for (const auto binding : scope.getBind())
          if (binding.isType()) visit(binding.getType());
  }

  const request_reader& request_;
  std::set<std::uint64_t> seen_;
  std::vector<std::uint64_t> ids_;
};

} // namespace

result<schema_set> schema_set::parse(std::span<const std::byte> request) {
  if (request.size() > max_request || request.size() % 8 != 0 || request.empty())
    return failure{errc::bad_input, "schemas: " + std::to_string(request.size()) +
                                        " bytes are no CodeGeneratorRequest (empty, not whole "
                                        "words, or over 16 MiB)"};
  auto made = std::make_shared<content>();
  std::vector<std::uint64_t> untrusted(request.size() / 8);
  std::memcpy(untrusted.data(), request.data(), request.size());
  try {
    made->words = safe_copy(untrusted);
    const request_reader reader(made->words);
    for (const auto& [id, node] : reader.nodes()) check_names(node);
    capnp::SchemaLoader check; // validates each node
    for (const auto& [id, node] : reader.nodes()) {
      check.load(node);
      made->names.emplace(id, short_name(node));
    }
  } catch (const kj::Exception& e) {
    return failure{errc::bad_input, "schemas: no valid CodeGeneratorRequest: " + one_line(e)};
  }
  schema_set set;
  set.content_ = std::move(made);
  return set;
}

bool schema_set::contains(std::uint64_t id) const {
  return content_ && content_->names.count(id) != 0;
}

std::span<const std::byte> schema_set::bytes() const {
  if (!content_) return {};
  return std::as_bytes(std::span(content_->words));
}

std::string schema_set::display_name(std::uint64_t id) const {
  return contains(id) ? content_->names.at(id) : hex(id);
}

std::span<const std::uint64_t> schema_set::words() const {
  if (!content_) return {};
  return content_->words;
}

namespace {

/// Whether two types are written differently; for messages only.
bool differ(wire::Type::Reader a, wire::Type::Reader b) {
  if (a.which() != b.which()) return true;
  if (a.isList()) return differ(a.getList().getElementType(), b.getList().getElementType());
  if (a.isEnum()) return a.getEnum().getTypeId() != b.getEnum().getTypeId();
  if (a.isStruct()) return a.getStruct().getTypeId() != b.getStruct().getTypeId();
  return false;
}

/// Names the first field that is not what it was, for the message: the verdict is SchemaLoader's.
std::string differing_field(wire::Node::Reader before, wire::Node::Reader after) {
  if (!before.isStruct() || !after.isStruct()) return {};
  const auto old_fields = before.getStruct().getFields();
  const auto new_fields = after.getStruct().getFields();
  for (unsigned i = 0; i < old_fields.size() && i < new_fields.size(); ++i) {
    const auto a = old_fields[i], b = new_fields[i];
    const bool slots = a.isSlot() && b.isSlot();
    const bool moved = slots && a.getSlot().getOffset() != b.getSlot().getOffset();
    if (a.which() == b.which() && !moved &&
        (!slots || !differ(a.getSlot().getType(), b.getSlot().getType())))
      continue;
    return std::string("field '") + a.getName().cStr() + "'";
  }
  return {};
}

/// What of `after` is no upgrade or downgrade of `before`, of all that a message of type `root`
/// can hold; empty if nothing. Loaded into one loader, two versions of a type have to fit.
std::string conflict(const request_reader& before, const request_reader& after,
                     std::uint64_t root) {
  capnp::SchemaLoader loader;
  const reachable_types old_types(before, root), new_types(after, root);
  for (const auto id : old_types.ids())
    if (const auto* node = before.find(id)) loader.load(*node);
  for (const auto id : new_types.ids()) {
    const auto* node = after.find(id);
    if (!node) continue;
    try {
      loader.load(*node);
    } catch (const kj::Exception& e) {
      const auto* former = before.find(id);
      const auto field = former ? differing_field(*former, *node) : std::string();
      return (field.empty() ? "" : field + " of ") + short_name(*node) + " has changed (" +
             one_line(e) + ")";
    }
  }
  return {};
}

} // namespace

result<void> check_compatible(const schema_set& writer, std::uint64_t writer_type,
                              const schema_set& reader, std::uint64_t reader_type) {
  if (writer_type != reader_type)
    return failure{errc::incompatible,
                   "the schemas are different types: " + writer.display_name(writer_type) +
                       " and " + reader.display_name(reader_type) +
                       "; keep the type's id, or convert"};
  if (writer.content_ == reader.content_ && (!writer.content_ || writer.contains(writer_type)))
    return {}; // the same module, or both of the host
  for (const auto* set : {&writer, &reader})
    if (!set->contains(writer_type))
      return failure{errc::incompatible,
                     "schema " + hex(writer_type) +
                         " is not among the schemas that the module carries; list its file under "
                         "SCHEMAS of instar_add_module"};
  try {
    const request_reader before(writer.content_->words), after(reader.content_->words);
    const auto wrong = conflict(before, after, writer_type);
    if (wrong.empty()) return {};
    return failure{errc::incompatible, "schema " + reader.display_name(reader_type) +
                                           " does not fit its other version: " + wrong +
                                           "; add fields, never change them"};
  } catch (const kj::Exception& e) {
    return failure{errc::incompatible, "schema " + reader.display_name(reader_type) +
                                           " cannot be judged: " + one_line(e)};
  }
}

} // namespace instar

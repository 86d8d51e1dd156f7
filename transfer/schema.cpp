#include "transfer/schema.hpp"

#include <capnp/schema-loader.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <kj/exception.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

namespace instar {

struct schema_set::content {
  std::vector<std::uint64_t> words;
  std::unique_ptr<capnp::FlatArrayMessageReader> message;
  std::map<std::uint64_t, capnp::schema::Node::Reader> nodes;
};

namespace {

constexpr std::size_t max_request = std::size_t{16} << 20;

std::string hex(std::uint64_t id) {
  char text[32];
  std::snprintf(text, sizeof text, "@0x%016llx", static_cast<unsigned long long>(id));
  return text;
}

/// What an exception of Cap'n Proto says, on one line.
std::string one_line(const kj::Exception& e) {
  std::string text = e.getDescription().cStr();
  for (auto& c : text)
    if (c == '\n') c = ' ';
  return text;
}

} // namespace

result<schema_set> schema_set::parse(std::span<const std::byte> request) {
  if (request.size() > max_request || request.size() % 8 != 0 || request.empty())
    return failure{errc::bad_input, "schemas: " + std::to_string(request.size()) +
                                        " bytes are no CodeGeneratorRequest (empty, not whole "
                                        "words, or over 16 MiB)"};
  auto made = std::make_shared<content>();
  made->words.resize(request.size() / 8);
  std::memcpy(made->words.data(), request.data(), request.size());
  try {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = made->words.size() * 64 + 1024;
    const auto* words = reinterpret_cast<const capnp::word*>(made->words.data());
    made->message = std::make_unique<capnp::FlatArrayMessageReader>(
        kj::arrayPtr(words, made->words.size()), options);
    const auto root = made->message->getRoot<capnp::schema::CodeGeneratorRequest>();
    capnp::SchemaLoader check; // validates each node
    for (const auto node : root.getNodes()) {
      check.load(node);
      made->nodes.emplace(node.getId(), node);
    }
  } catch (const kj::Exception& e) {
    return failure{errc::bad_input, "schemas: no valid CodeGeneratorRequest: " + one_line(e)};
  }
  schema_set set;
  set.content_ = std::move(made);
  return set;
}

bool schema_set::contains(std::uint64_t id) const { return content_ && content_->nodes.count(id); }

std::string schema_set::display_name(std::uint64_t id) const {
  if (!contains(id)) return hex(id);
  const std::string name = content_->nodes.at(id).getDisplayName().cStr();
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

namespace {

using nodes = std::map<std::uint64_t, capnp::schema::Node::Reader>;

/// The type whose kind differs between the two, by name; the first field with another type or
/// place. For the message only: the verdict is SchemaLoader's.
std::string differing_field(const nodes& writer, const nodes& reader) {
  for (const auto& [id, old_node] : writer) {
    const auto found = reader.find(id);
    if (found == reader.end() || !old_node.isStruct() || !found->second.isStruct()) continue;
    const auto old_fields = old_node.getStruct().getFields();
    const auto new_fields = found->second.getStruct().getFields();
    for (unsigned i = 0; i < old_fields.size() && i < new_fields.size(); ++i) {
      const auto a = old_fields[i], b = new_fields[i];
      const bool same_kind = a.which() == b.which();
      if (same_kind && a.isSlot() && a.getSlot().getType().which() == b.getSlot().getType().which())
        continue;
      if (same_kind && !a.isSlot()) continue;
      return std::string(" (field '") + a.getName().cStr() + "' of " +
             old_node.getDisplayName().cStr() + ")";
    }
  }
  return {};
}

} // namespace

result<void> check_compatible(const schema_set& writer, std::uint64_t writer_type,
                              const schema_set& reader, std::uint64_t reader_type) {
  if (writer_type != reader_type)
    return failure{errc::incompatible, "the schemas are different types: " +
                                           writer.display_name(writer_type) + " and " +
                                           reader.display_name(reader_type) +
                                           "; keep the type's id, or convert"};
  if (!writer.content_ && !reader.content_) return {}; // both of the host: one and the same
  for (const auto* set : {&writer, &reader})
    if (!set->contains(writer_type))
      return failure{errc::incompatible,
                     "schema " + hex(writer_type) +
                         " is not among the schemas that the module carries; list its file under "
                         "SCHEMAS of instar_add_module"};
  try {
    // Loaded into one loader, two versions of a type have to be upgrades of each other.
    capnp::SchemaLoader loader;
    for (const auto& [id, node] : writer.content_->nodes) loader.load(node);
    for (const auto& [id, node] : reader.content_->nodes) loader.load(node);
  } catch (const kj::Exception& e) {
    return failure{errc::incompatible,
                   "schema " + reader.display_name(reader_type) + " does not fit " +
                       writer.display_name(writer_type) + " as it was" +
                       differing_field(writer.content_->nodes, reader.content_->nodes) + ": " +
                       one_line(e)};
  }
  return {};
}

} // namespace instar

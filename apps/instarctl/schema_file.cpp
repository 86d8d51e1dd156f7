#include "apps/instarctl/schema_file.hpp"

#include "transfer/kj_text.hpp"

#include <capnp/schema-parser.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>
#include <kj/filesystem.h>

#include <fcntl.h>

#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::instarctl {

namespace {

namespace wire = capnp::schema;

/// Takes down the nodes of types, of whatever they refer to, and of the files that those are in.
class collector {
public:
  collector(const capnp::SchemaParser& parser, const kj::ReadableDirectory& root,
            kj::ArrayPtr<const kj::ReadableDirectory* const> imports)
      : parser_(parser), root_(root), imports_(imports) {}

  capnp::ParsedSchema file(const std::string& path) {
    auto parsed = parser_.parseFromDirectory(root_, kj::Path::parse(path), imports_);
    add_nested(parsed);
    return parsed;
  }

  std::vector<std::byte> request() {
    add_files();
    capnp::MallocMessageBuilder message;
    auto list = message.initRoot<wire::CodeGeneratorRequest>().initNodes(
        static_cast<unsigned>(nodes_.size()));
    unsigned i = 0;
    for (const auto& [id, node] : nodes_) list.setWithCaveats(i++, node);
    const auto words = capnp::messageToFlatArray(message);
    const auto bytes = std::as_bytes(std::span(words.begin(), words.size()));
    return {bytes.begin(), bytes.end()};
  }

private:
  bool add(const capnp::Schema& schema) {
    const auto node = schema.getProto();
    return nodes_.emplace(node.getId(), node).second;
  }

  void add_nested(const capnp::ParsedSchema& in) {
    add_type(in);
    for (const auto nested : in.getAllNested()) add_nested(nested);
  }

  void add_type(const capnp::Schema& schema) {
    if (!add(schema) || !schema.getProto().isStruct()) return;
    for (const auto field : schema.asStruct().getFields()) add_used(field.getType());
  }

  void add_used(capnp::Type type) {
    while (type.isList()) type = type.asList().getElementType();
    if (type.isStruct()) add_type(type.asStruct());
    if (type.isEnum()) add_type(type.asEnum());
  }

  /// A type that is imported is found without its file, and maybe without the type around it.
  void add_files() {
    std::vector<std::string> paths;
    for (const auto& [id, node] : nodes_) {
      const std::string name = node.getDisplayName().cStr();
      if (!node.isFile()) paths.push_back(name.substr(0, name.find(':')));
    }
    for (const auto& path : paths) {
      const auto parsed = kj::Path::parse(path);
      for (const auto* folder : folders())
        if (folder->exists(parsed)) {
          add_nested(parser_.parseFromDirectory(*folder, parsed.clone(), imports_));
          break;
        }
    }
  }
  std::vector<const kj::ReadableDirectory*> folders() const {
    std::vector<const kj::ReadableDirectory*> all{&root_};
    for (const auto* one : imports_) all.push_back(one);
    return all;
  }

  const capnp::SchemaParser& parser_;
  const kj::ReadableDirectory& root_;
  kj::ArrayPtr<const kj::ReadableDirectory* const> imports_;
  std::map<std::uint64_t, wire::Node::Reader> nodes_;
};

/// The struct of that name, or null.
kj::Maybe<capnp::ParsedSchema> find(capnp::ParsedSchema in, std::string_view name) {
  const auto dot = name.find('.');
  const std::string first(name.substr(0, dot));
  KJ_IF_MAYBE (found, in.findNested(first)) {
    if (dot == name.npos) return *found;
    return find(*found, name.substr(dot + 1));
  }
  return nullptr;
}

} // namespace

result<schema_file> schema_file::read(const std::filesystem::path& file, const std::string& type) {
  const auto fail = [&](const std::string& why) {
    return failure{errc::bad_input, "schema " + file.string() + ": " + why};
  };
  std::error_code error;
  const auto path = std::filesystem::canonical(file, error);
  if (error) return fail(error.message() + "; name a file that can be read");
  try {
    // Not `newDiskFilesystem`: that looks for the current folder, and complains of PWD.
    const auto root = kj::newDiskReadableDirectory(
        kj::AutoCloseFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    std::vector<kj::Own<const kj::ReadableDirectory>> places;
    std::vector<const kj::ReadableDirectory*> imports;
    for (const char* place : {"usr/include", "usr/local/include"})
      KJ_IF_MAYBE (folder, root->tryOpenSubdir(kj::Path::parse(place))) {
        places.push_back(kj::mv(*folder));
        imports.push_back(places.back().get());
      }
    const capnp::SchemaParser parser;
    collector types(parser, *root, kj::arrayPtr(imports.data(), imports.size()));
    const auto parsed = types.file(path.string().substr(1));
    KJ_IF_MAYBE (found, find(parsed, type)) {
      auto schemas = schema_set::parse(types.request());
      if (!schemas) return fail(schemas.error().message);
      return schema_file{*std::move(schemas), found->getProto().getId()};
    }
    return fail("there is no '" + type + "' in it; name a struct as FILE:Struct");
  } catch (const kj::Exception& e) {
    return fail(one_line(e));
  }
}

} // namespace instar::instarctl

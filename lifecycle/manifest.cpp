#include "lifecycle/manifest.hpp"

#include "actors/module.hpp"

#include <gelf.h>
#include <libelf.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace instar {

namespace {

using nlohmann::json;

constexpr std::size_t max_manifest = std::size_t{1} << 20;

#if defined(__x86_64__)
constexpr GElf_Half this_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr GElf_Half this_machine = EM_AARCH64;
#else
#error "add the ELF machine number of this architecture"
#endif

/// What is wrong with a module file, below `read_manifest`; becomes its failure.
struct bad_module : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// -- ELF ------------------------------------------------------------------------------------------

struct elf_closer {
  void operator()(Elf* e) const { elf_end(e); }
};
using elf_handle = std::unique_ptr<Elf, elf_closer>;

elf_handle open_elf(std::span<const std::byte> bytes) {
  elf_version(EV_CURRENT);
  if (bytes.size() < EI_NIDENT || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    throw bad_module("is no ELF file; give a shared object built by instar_add_module");
  // libelf does not write to memory that it was not asked to update.
  auto* image = const_cast<char*>(reinterpret_cast<const char*>(bytes.data()));
  elf_handle elf(elf_memory(image, bytes.size()));
  GElf_Ehdr header;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || !gelf_getehdr(elf.get(), &header))
    throw bad_module("is a truncated or damaged ELF file; build it again");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_machine != this_machine)
    throw bad_module("is built for another machine; build it for this one");
  if (header.e_type != ET_DYN)
    throw bad_module("is no shared object; build it with instar_add_module");
  const auto table = std::uint64_t{header.e_shnum} * header.e_shentsize;
  if (header.e_shnum == 0 || header.e_shoff > bytes.size() || table > bytes.size() - header.e_shoff)
    throw bad_module("is truncated: its section table lies beyond its end; build it again");
  return elf;
}

std::optional<std::span<const std::byte>> find_section(Elf* elf, std::span<const std::byte> bytes,
                                                       std::string_view name) {
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf, &names) != 0)
    throw bad_module("is damaged: it has no section names; build it again");
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) continue;
    const char* text = elf_strptr(elf, names, header.sh_name);
    if (!text || name != text) continue;
    if (header.sh_type == SHT_NOBITS || header.sh_offset > bytes.size() ||
        header.sh_size > bytes.size() - header.sh_offset)
      throw bad_module("is truncated: section " + std::string(name) +
                       " lies beyond its end; build it again");
    return bytes.subspan(header.sh_offset, header.sh_size);
  }
  return std::nullopt;
}

// -- JSON -----------------------------------------------------------------------------------------

[[noreturn]] void malformed(const std::string& what) {
  throw bad_module("has a malformed manifest: " + what + "; build it with INSTAR_MODULE");
}

const json& member(const json& object, const char* key) {
  if (!object.is_object()) malformed("something that should be an object is none");
  const auto found = object.find(key);
  if (found == object.end()) malformed("'" + std::string(key) + "' is missing");
  return *found;
}

std::string text(const json& object, const char* key, std::size_t longest = 4096) {
  const auto& value = member(object, key);
  if (!value.is_string()) malformed("'" + std::string(key) + "' is no text");
  auto found = value.get<std::string>();
  if (found.size() > longest) malformed("'" + std::string(key) + "' is too long");
  const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  if (std::any_of(found.begin(), found.end(), control))
    malformed("'" + std::string(key) + "' contains control characters");
  return found;
}

/// A name as graph files and command lines can write it.
std::string name(const json& object, const char* key) {
  auto found = text(object, key, 256);
  const auto fine = [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_' || c == '-';
  };
  if (found.empty() || !std::all_of(found.begin(), found.end(), fine))
    malformed("'" + found + "' is no name (letters, digits, '.', '_', '-')");
  return found;
}

template <class T>
T number(const json& object, const char* key) {
  const auto& value = member(object, key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<T>::max())
    malformed("'" + std::string(key) + "' is no number in range");
  return value.get<T>();
}

bool flag(const json& object, const char* key) {
  const auto& value = member(object, key);
  if (!value.is_boolean()) malformed("'" + std::string(key) + "' is neither true nor false");
  return value.get<bool>();
}

const json& list(const json& object, const char* key, std::size_t most) {
  const auto& value = member(object, key);
  if (!value.is_array() || value.size() > most)
    malformed("'" + std::string(key) + "' is no list of up to " + std::to_string(most));
  return value;
}

template <class Item>
void unique_names(const std::vector<Item>& items, const char* what) {
  std::set<std::string> names;
  for (const auto& item : items)
    if (!names.insert(item.name).second)
      malformed("two " + std::string(what) + " are named '" + item.name + "'");
}

/// What a port carries: a payload's name, or anything.
std::string carried(const json& port) {
  if (const auto found = text(port, "payload", 256); found == any_payload::payload_name)
    return found;
  return name(port, "payload");
}

std::vector<port_description> ports(const json& type, const char* key) {
  std::vector<port_description> found;
  for (const auto& item : list(type, key, 16)) {
    port_description p;
    p.name = name(item, "name");
    p.payload = carried(item);
    p.schema = number<std::uint64_t>(item, "schema");
    if (item.contains("follows")) p.follows = number<std::uint8_t>(item, "follows");
    if (item.contains("answers")) p.answers = number<std::uint8_t>(item, "answers");
    found.push_back(std::move(p));
  }
  unique_names(found, key);
  return found;
}

setting_kind kind(const std::string& name) {
  for (auto k = setting_kind::text; k <= setting_kind::path;
       k = static_cast<setting_kind>(static_cast<int>(k) + 1))
    if (to_string(k) == name) return k;
  malformed("'" + name + "' is no kind of setting");
}

std::vector<state_format> formats(const json& type, const char* key) {
  std::vector<state_format> found;
  for (const auto& item : list(type, key, 8)) {
    found.push_back({number<std::uint64_t>(item, "schema"), number<std::uint32_t>(item, "cost")});
    for (std::size_t i = 0; i + 1 < found.size(); ++i)
      if (found[i].schema == found.back().schema)
        malformed("'" + std::string(key) + "' has a schema twice");
  }
  return found;
}

std::vector<converter_description> converters(const json& type) {
  std::vector<converter_description> found;
  std::set<std::pair<std::uint64_t, std::uint64_t>> ends;
  for (const auto& item : list(type, "converters", 64)) {
    found.push_back({number<std::uint64_t>(item, "from"), number<std::uint64_t>(item, "to"),
                     number<std::uint32_t>(item, "cost")});
    const auto& c = found.back();
    if (c.from == c.to) malformed("a converter leads from a schema to the same");
    if (!ends.emplace(c.from, c.to).second)
      malformed("two converters lead from one schema to the same other");
  }
  return found;
}

/// Whatever state can be written in: the plan judges it without running the module.
void check_carried(const operator_description& type, const schema_set& schemas) {
  const auto check = [&](std::uint64_t id, const char* what) {
    if (!schemas.contains(id))
      malformed("operator '" + type.name + "' has " + what + " that the module does not carry; " +
                "list its file under SCHEMAS of instar_add_module");
  };
  if (type.state_schema != 0) check(type.state_schema, "a state schema");
  if (type.part_schema != 0) check(type.part_schema, "a part schema");
  for (const auto& f : type.exports) check(f.schema, "an exported schema");
  for (const auto& f : type.imports) check(f.schema, "an imported schema");
  for (const auto& c : type.converters) {
    check(c.from, "a converter from a schema");
    check(c.to, "a converter to a schema");
  }
}

void read_state(const json& item, const schema_set& schemas, operator_description& type) {
  type.state_schema = number<std::uint64_t>(item, "state_schema");
  type.state_version = number<std::uint32_t>(item, "state_version");
  type.part_schema = number<std::uint64_t>(item, "part_schema");
  type.mergeable = flag(item, "mergeable");
  const auto& native = member(item, "native");
  type.native.layout = number<std::uint64_t>(native, "layout");
  type.native.name = type.native.layout == 0 ? text(native, "name", 256) : name(native, "name");
  type.exports = formats(item, "exports");
  type.imports = formats(item, "imports");
  type.converters = converters(item);
  check_carried(type, schemas);
}

operator_description read_type(const json& item, const schema_set& schemas) {
  operator_description type;
  type.name = name(item, "name");
  type.version = number<std::uint32_t>(item, "version");
  if (type.version == 0) malformed("operator '" + type.name + "' has version 0");
  type.help = text(item, "help");
  type.inputs = ports(item, "inputs");
  type.outputs = ports(item, "outputs");
  for (const auto& out : type.outputs)
    if (out.follows >= static_cast<int>(type.inputs.size()))
      malformed("output '" + out.name + "' of '" + type.name + "' follows no input");
  for (const auto& out : type.outputs)
    if (out.follows < 0 && out.payload == any_payload::payload_name)
      malformed("output '" + out.name + "' of '" + type.name +
                "' carries anything; say which input it follows");
  if (const auto wrong = check_request_ports(type)) malformed(*wrong);
  read_state(item, schemas, type);
  for (const auto& s : list(item, "settings", 32))
    type.settings.push_back({name(s, "name"), kind(text(s, "kind", 32)), text(s, "default"),
                             flag(s, "required"), text(s, "help")});
  unique_names(type.settings, "settings");
  type.splits = flag(item, "splits");
  type.schemas = schemas;
  return type;
}

manifest parse_manifest(std::span<const std::byte> section, const schema_set& schemas) {
  const auto* first = reinterpret_cast<const char*>(section.data());
  const auto document = json::parse(first, first + section.size(), nullptr, false);
  if (document.is_discarded()) malformed("it is no JSON");
  manifest m;
  m.module = name(document, "module");
  m.api_version = number<std::uint32_t>(document, "api");
  m.build_id = text(document, "build", 256);
  if (m.api_version != module_api_version) return m; // the rest may look different there
  for (const auto& item : list(document, "operators", 256))
    m.operators.push_back(read_type(item, schemas));
  if (m.operators.empty()) malformed("it names no operators");
  std::set<std::string> references;
  for (const auto& op : m.operators)
    if (!references.insert(op.reference()).second) malformed(op.reference() + " is named twice");
  return m;
}

} // namespace

result<manifest> read_manifest(std::span<const std::byte> bytes,
                               const std::filesystem::path& file) {
  const auto fail = [&](const std::string& why) {
    return failure{errc::bad_input, "module " + file.string() + " " + why};
  };
  try {
    const auto elf = open_elf(bytes);
    const auto section = find_section(elf.get(), bytes, manifest_section);
    if (!section) return fail("has no manifest; add INSTAR_MODULE to one of its sources");
    if (section->size() > max_manifest) return fail("has a manifest of over 1 MiB; build it again");
    schema_set schemas;
    if (const auto carried = find_section(elf.get(), bytes, schemas_section)) {
      auto parsed = schema_set::parse(*carried);
      if (!parsed) return fail("carries bad " + parsed.error().message);
      schemas = std::move(*parsed);
    }
    return parse_manifest(*section, schemas);
  } catch (const bad_module& e) {
    return fail(e.what());
  } catch (const json::exception& e) {
    return fail(std::string("has a malformed manifest: ") + e.what());
  }
}

result<void> check_host(const manifest& of, const std::filesystem::path& file) {
  if (of.api_version != module_api_version)
    return failure{errc::incompatible, "module " + file.string() + " is built for API version " +
                                           std::to_string(of.api_version) + ", this host has " +
                                           std::to_string(module_api_version) +
                                           "; build it against this version of instar"};
  if (of.build_id != INSTAR_BUILD_ID)
    return failure{errc::incompatible, "module " + file.string() + " is built as '" + of.build_id +
                                           "', this host as '" INSTAR_BUILD_ID
                                           "'; build both with the same compiler and sanitizers"};
  return {};
}

} // namespace instar

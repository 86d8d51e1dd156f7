#include "apps/instarctl/scaffold.hpp"

#include "apps/instarctl/schema_file.hpp"
#include "lifecycle/module_loader.hpp"
#include "transfer/scaffold.hpp"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::instarctl {

namespace {

/// What one side of the command line names: a struct, or an operator with up to two.
struct side {
  schema_set schemas;
  std::uint64_t state = 0, part = 0;
};

side side_of(const operator_description& type) {
  return {type.schemas, type.state_schema, type.part_schema};
}

/// `TYPE@VERSION` from the modules in some places.
result<side> find_operator(const std::string& name, const std::vector<std::filesystem::path>& in) {
  const auto at = name.rfind('@');
  std::uint32_t version = 0;
  const auto* end = name.data() + name.size();
  if (at == name.npos || at == 0 ||
      std::from_chars(name.data() + at + 1, end, version).ptr != end || version == 0)
    return failure{errc::bad_input,
                   "'" + name +
                       "' is neither FILE.capnp:Struct nor MODULE.so:TYPE nor TYPE@VERSION"};
  if (in.empty())
    return failure{errc::bad_input,
                   "'" + name + "' is to be found in modules; say in which, with --modules DIR"};
  module_catalogue catalogue;
  catalogue.set_places(in);
  const auto found = catalogue.find(name.substr(0, at), version);
  if (!found) return found.error();
  return side_of(found->type);
}

/// `TYPE` or `TYPE@VERSION` of one module.
result<side> operator_in(const std::filesystem::path& file, const std::string& type) {
  module_catalogue catalogue;
  catalogue.set_places({file});
  for (const auto& one : catalogue.all())
    if (one.type.name == type || one.type.reference() == type) return side_of(one.type);
  const auto why = catalogue.find(type, 1);
  return failure{errc::not_found,
                 why ? "module " + file.string() + " does not bring " + type : why.error().message};
}

result<side> read_side(const std::string& text, const options& o) {
  const auto colon = text.rfind(':');
  const auto ends = [&](const char* extension) {
    return colon != text.npos && std::string_view(text).substr(0, colon).ends_with(extension);
  };
  const auto before = text.substr(0, colon), after = text.substr(colon + 1);
  if (ends(".so")) return operator_in(before, after);
  if (!ends(".capnp")) return find_operator(text, o.modules);
  auto file = schema_file::read(before, after);
  if (!file) return file.error();
  return side{std::move(file->schemas), file->type, 0};
}

/// What of the two differs, and can be converted.
result<std::vector<scaffold_pair>> pairs_of(const side& before, const side& after) {
  std::vector<scaffold_pair> pairs;
  const auto add = [&](std::uint64_t a, std::uint64_t b, const char* function) {
    if (a != 0 && b != 0 && a != b)
      pairs.push_back({before.schemas, after.schemas, a, b, function});
  };
  add(before.state, after.state, "convert");
  add(before.part, after.part, "convert_part");
  if (pairs.empty())
    return failure{errc::bad_input, "both keep their state in the same schemas, or one of them "
                                    "keeps none; there is nothing to convert"};
  return pairs;
}

} // namespace

exit_code write_scaffold(const options& o) {
  const auto complain = [](const failure& why) {
    std::fprintf(stderr, "instarctl: %s\n", why.message.c_str());
    return exit_code::refused;
  };
  const auto before = read_side(o.old_side, o);
  if (!before) return complain(before.error());
  const auto after = read_side(o.new_side, o);
  if (!after) return complain(after.error());
  const auto pairs = pairs_of(*before, *after);
  if (!pairs) return complain(pairs.error());
  const auto text = scaffold(*pairs, o.old_side + " and " + o.new_side);
  if (!text) return complain(text.error());
  if (o.output.empty()) {
    std::fwrite(text->data(), 1, text->size(), stdout);
    return exit_code::done;
  }
  std::ofstream out(o.output, std::ios::binary);
  out << *text;
  if (!out.flush())
    return complain({errc::system, o.output.string() + " cannot be written; name another with -o"});
  return exit_code::done;
}

} // namespace instar::instarctl

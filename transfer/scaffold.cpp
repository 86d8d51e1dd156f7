#include "transfer/scaffold.hpp"

#include "transfer/kj_text.hpp"
#include "transfer/schema_names.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace instar {

namespace wire = capnp::schema;

namespace {

using field = schema_names::field;
using node = schema_names::node;
using type = wire::Type::Reader;

struct cannot {
  std::string why;
};

bool in_union(const field& f) { return f.getDiscriminantValue() != wire::Field::NO_DISCRIMINANT; }

std::optional<field> find_field(const node& in, const char* name) {
  for (const auto f : in.getStruct().getFields())
    if (std::string_view(f.getName().cStr()) == name) return f;
  return std::nullopt;
}

struct scalar {
  enum { integer, real } kind;
  bool is_signed;
  int bits;
};

std::optional<scalar> scalar_of(const type& t) {
  switch (t.which()) {
  case wire::Type::INT8:
    return scalar{scalar::integer, true, 8};
  case wire::Type::INT16:
    return scalar{scalar::integer, true, 16};
  case wire::Type::INT32:
    return scalar{scalar::integer, true, 32};
  case wire::Type::INT64:
    return scalar{scalar::integer, true, 64};
  case wire::Type::UINT8:
    return scalar{scalar::integer, false, 8};
  case wire::Type::UINT16:
    return scalar{scalar::integer, false, 16};
  case wire::Type::UINT32:
    return scalar{scalar::integer, false, 32};
  case wire::Type::UINT64:
    return scalar{scalar::integer, false, 64};
  case wire::Type::FLOAT32:
    return scalar{scalar::real, true, 32};
  case wire::Type::FLOAT64:
    return scalar{scalar::real, true, 64};
  default:
    return std::nullopt;
  }
}

/// Every value of the one is a value of the other.
bool widens(const type& from, const type& to) {
  const auto a = scalar_of(from), b = scalar_of(to);
  if (!a || !b || a->kind != b->kind) return false;
  if (a->is_signed == b->is_signed) return a->bits <= b->bits;
  return !a->is_signed && a->bits < b->bits;
}

bool is_plain(const wire::Brand::Reader& brand) { return brand.getScopes().size() == 0; }

/// The same in C++, too.
bool identical(const type& a, const type& b) {
  if (a.which() != b.which()) return false;
  switch (a.which()) {
  case wire::Type::LIST:
    return identical(a.getList().getElementType(), b.getList().getElementType());
  case wire::Type::ENUM:
    return a.getEnum().getTypeId() == b.getEnum().getTypeId();
  case wire::Type::STRUCT:
    return a.getStruct().getTypeId() == b.getStruct().getTypeId() &&
           is_plain(a.getStruct().getBrand()) && is_plain(b.getStruct().getBrand());
  case wire::Type::INTERFACE:
  case wire::Type::ANY_POINTER:
    return false;
  default:
    return true;
  }
}

bool is_pointer(const type& t) {
  return t.isText() || t.isData() || t.isList() || t.isStruct() || t.isAnyPointer();
}

/// Writes the functions that lead from the types of one side to those of the other.
class direction {
public:
  direction(const schema_names& from, const schema_names& to) : from_(from), to_(to) {}

  /// A function for two structs that has a name of its own.
  void name(std::uint64_t a, std::uint64_t b, const std::string& function) {
    names_[{a, b}] = function;
  }
  std::string signature(std::uint64_t a, std::uint64_t b) const {
    return "void " + names_.at({a, b}) + "(" + from_.cxx_type(*from_.find(a)) + "::Reader from, " +
           to_.cxx_type(*to_.find(b)) + "::Builder to)";
  }

  /// The body's text; what it needs is written by `write_helpers`.
  std::string function(std::uint64_t a, std::uint64_t b) {
    const auto &before = *from_.find(a), &after = *to_.find(b);
    std::string body;
    for (const auto f : before.getStruct().getFields())
      if (!in_union(f)) body += copy_field(f, after);
    body += copy_union(before, after);
    for (const auto f : after.getStruct().getFields())
      if (!find_field(before, f.getName().cStr()))
        body += "  // TODO: to.set" + schema_names::cxx_field(f) + ", " + to_.text(f) +
                ", is new: nothing there has its name\n";
    if (!used(body, "to.")) body = "  (void)to;\n" + body;
    if (!used(body, "from.")) body = "  (void)from;\n" + body;
    return signature(a, b) + " {\n" + body + "}\n";
  }

  /// Everything that functions written so far need; declarations first.
  void write_helpers(std::string& declared, std::string& defined) {
    while (!wanted_.empty()) {
      const auto [a, b, is_enum] = wanted_.front();
      wanted_.pop_front();
      if (is_enum) {
        declared += "static " + enum_signature(a, b) + ";\n";
        defined += "\nstatic " + enum_function(a, b);
      } else {
        declared += "static " + signature(a, b) + ";\n";
        defined += "\nstatic " + function(a, b);
      }
    }
  }

private:
  /// Whether a line of code, not of a comment, has it.
  static bool used(const std::string& body, const char* what) {
    for (std::size_t at = 0; at < body.size();) {
      const auto end = std::min(body.find('\n', at), body.size());
      const auto line = body.substr(at, end - at);
      if (line.substr(0, line.find("//")).find(what) != line.npos) return true;
      at = end + 1;
    }
    return false;
  }

  /// The function that converts two structs; it will be written.
  std::string helper(std::uint64_t a, std::uint64_t b) {
    const auto [found, fresh] = names_.try_emplace({a, b}, "convert");
    if (fresh) wanted_.push_back({a, b, false});
    return found->second;
  }

  std::string todo(const field& f, const std::string& what) const {
    return "  // TODO: from.get" + schema_names::cxx_field(f) + "(), " + from_.text(f) + ", " +
           what + "\n";
  }

  std::string copy_field(const field& f, const node& after) {
    const auto g = find_field(after, f.getName().cStr());
    if (!g) return todo(f, "goes nowhere: nothing there has its name");
    if (in_union(*g)) return todo(f, "is a member of a union there");
    return copy(f, *g, "  ", false);
  }

  /// Members of the union, which of them it is included.
  std::string copy_union(const node& before, const node& after) {
    if (before.getStruct().getDiscriminantCount() == 0) return {};
    std::string text = "  switch (from.which()) {\n";
    const auto name = from_.cxx_type(before);
    for (const auto f : before.getStruct().getFields()) {
      if (!in_union(f)) continue;
      text += "  case " + name + "::" + schema_names::cxx_member(f) + ":\n";
      const auto g = find_field(after, f.getName().cStr());
      if (!g) text += "  " + todo(f, "goes nowhere: nothing there has its name");
      else if (!in_union(*g)) text += "  " + todo(f, "is no member of a union there");
      else text += copy(f, *g, "    ", true);
      text += "    break;\n";
    }
    return text + "  }\n";
  }

  /// Statements that fill in `g`, or a comment why there are none. A member of a union is set also
  /// to what it is by default.
  std::string copy(const field& f, const field& g, const std::string& indent, bool member) {
    const auto name = schema_names::cxx_field(f), target = schema_names::cxx_field(g);
    const auto differs = [&] { return indent.substr(2) + todo(f, "is " + to_.text(g) + " there"); };
    if (f.isGroup() != g.isGroup()) return differs();
    if (f.isGroup()) {
      if (!is_struct(from_, f.getGroup().getTypeId()) || !is_struct(to_, g.getGroup().getTypeId()))
        return differs();
      const auto call = helper(f.getGroup().getTypeId(), g.getGroup().getTypeId());
      return indent + call + "(from.get" + name + "(), to." + (member ? "init" : "get") + target +
             "());\n";
    }
    const auto a = f.getSlot().getType(), b = g.getSlot().getType();
    const auto statement = copy_value(a, b, "from.get" + name + "()", "to", target);
    if (statement.empty()) return differs();
    if (a.isVoid()) return member ? indent + "to.set" + target + "();\n" : "";
    return indent + (is_pointer(a) && !member ? "if (from.has" + name + "()) " : "") +
           indented(statement, indent);
  }

  static std::string indented(const std::string& text, const std::string& by) {
    std::string all;
    for (const char c : text) {
      all += c;
      if (c == '\n') all += by;
    }
    if (all.size() >= by.size()) all.resize(all.size() - by.size()); // after the last line
    return all;
  }

  /// A statement that sets the field `target` of `into`; empty if there is none.
  std::string copy_value(const type& a, const type& b, const std::string& value,
                         const std::string& into, const std::string& target) {
    if (a.isVoid() && b.isVoid()) return "\n";
    if (identical(a, b) || widens(a, b)) return into + ".set" + target + "(" + value + ");\n";
    if (may_convert_enum(a, b))
      return into + ".set" + target + "(" + convert_enum(a, b, value) + ");\n";
    if (may_convert(a, b))
      return convert_struct(a, b) + "(" + value + ", " + into + ".init" + target + "());\n";
    if (a.isList() && b.isList() && list_fits(a, b))
      return "{\n  const auto items = " + value + ";\n  auto list = " + into + ".init" + target +
             "(items.size());\n" + copy_items(a, b, "items", "list", "  ", 0) + "}\n";
    return {};
  }

  bool may_convert(const type& a, const type& b) const {
    return a.isStruct() && b.isStruct() && is_plain(a.getStruct().getBrand()) &&
           is_plain(b.getStruct().getBrand()) && is_struct(from_, a.getStruct().getTypeId()) &&
           is_struct(to_, b.getStruct().getTypeId());
  }
  static bool is_struct(const schema_names& in, std::uint64_t id) {
    const auto* found = in.find(id);
    return found && found->isStruct() && found->getParameters().size() == 0;
  }
  bool may_convert_enum(const type& a, const type& b) const {
    if (!a.isEnum() || !b.isEnum()) return false;
    const auto *before = from_.find(a.getEnum().getTypeId()),
               *after = to_.find(b.getEnum().getTypeId());
    return before && before->isEnum() && after && after->isEnum();
  }
  std::string convert_struct(const type& a, const type& b) {
    return helper(a.getStruct().getTypeId(), b.getStruct().getTypeId());
  }

  bool list_fits(const type& a, const type& b) const {
    const auto x = a.getList().getElementType(), y = b.getList().getElementType();
    if (x.isList() && y.isList()) return identical(x, y) || list_fits(x, y);
    if (may_convert_enum(x, y)) return true;
    return (!x.isVoid() && identical(x, y)) || widens(x, y) || may_convert(x, y);
  }

  /// The loop over a list's items, which `list_fits` has liked.
  std::string copy_items(const type& a, const type& b, const std::string& items,
                         const std::string& list, const std::string& indent, int depth) {
    const auto x = a.getList().getElementType(), y = b.getList().getElementType();
    const auto i = std::string(1, static_cast<char>('i' + depth));
    const auto item = items + "[" + i + "]";
    const auto head =
        indent + "for (unsigned " + i + " = 0; " + i + " < " + items + ".size(); ++" + i + ")";
    const auto step = [&](const std::string& statement) {
      return head + "\n" + indent + "  " + statement + ";\n";
    };
    // Before enumerations that are alike: those of two ids are not.
    if (x.isStruct() && !identical(x, y))
      return step(convert_struct(x, y) + "(" + item + ", " + list + "[" + i + "])");
    if (x.isStruct()) return step(list + ".setWithCaveats(" + i + ", " + item + ")");
    if (x.isEnum() && !identical(x, y))
      return step(list + ".set(" + i + ", " + convert_enum(x, y, item) + ")");
    if (!x.isList() || identical(x, y)) return step(list + ".set(" + i + ", " + item + ")");
    const auto n = std::to_string(depth + 1);
    return head + " {\n" + indent + "  const auto items" + n + " = " + item + ";\n" + indent +
           "  auto list" + n + " = " + list + ".init(" + i + ", items" + n + ".size());\n" +
           copy_items(x, y, "items" + n, "list" + n, indent + "  ", depth + 1) + indent + "}\n";
  }

  // -- enumerations -------------------------------------------------------------------------------

  /// The second argument tells the helpers apart, and is what the other side does not know.
  std::string convert_enum(const type& a, const type& b, const std::string& value) {
    const auto old_id = a.getEnum().getTypeId(), new_id = b.getEnum().getTypeId();
    if (enums_.emplace(old_id, new_id).second) wanted_.push_back({old_id, new_id, true});
    return "convert(" + value + ", " + to_.cxx_type(*to_.find(new_id)) + "(0))";
  }
  std::string enum_signature(std::uint64_t a, std::uint64_t b) const {
    const auto after = to_.cxx_type(*to_.find(b));
    return after + " convert(" + from_.cxx_type(*from_.find(a)) + " from, " + after + " otherwise)";
  }
  std::string same_enumerant(const wire::Enumerant::Reader& e, const node& after) const {
    for (const auto other : after.getEnum().getEnumerants())
      if (std::string_view(other.getName().cStr()) == e.getName().cStr())
        return to_.cxx_type(after) + "::" + schema_names::cxx_enumerant(other) + ";";
    return "otherwise; // TODO: nothing there has its name";
  }
  std::string enum_function(std::uint64_t a, std::uint64_t b) const {
    const auto &before = *from_.find(a), &after = *to_.find(b);
    auto text = enum_signature(a, b) + " {\n  switch (from) {\n";
    for (const auto e : before.getEnum().getEnumerants()) {
      text += "  case " + from_.cxx_type(before) + "::" + schema_names::cxx_enumerant(e) + ":\n";
      text += "    return " + same_enumerant(e, after) + "\n";
    }
    return text + "  }\n  return otherwise;\n}\n";
  }

  struct wanted {
    std::uint64_t a, b;
    bool is_enum;
  };
  const schema_names& from_;
  const schema_names& to_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> names_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> enums_;
  std::deque<wanted> wanted_;
};

const node& struct_in(const schema_names& names, const schema_set& set, std::uint64_t id) {
  const auto* found = names.find(id);
  if (!found || !found->isStruct())
    throw cannot{set.display_name(id) + " is no struct that the schemas have; name another"};
  if (found->getParameters().size() > 0)
    throw cannot{set.display_name(id) + " is generic; converters are for structs that are not"};
  return *found;
}

/// One translation unit sees both sides.
void check_apart(const schema_names& before, const node& a, const schema_names& after,
                 const node& b) {
  if (a.getId() == b.getId())
    throw cannot{std::string(a.getDisplayName().cStr()) +
                 " has the same id on both sides; a converter is for a new struct with an id of "
                 "its own"};
  if (before.cxx_type(a) == after.cxx_type(b))
    throw cannot{"both structs are " + before.cxx_type(a) +
                 " in C++; give one of them another name, or its file another $Cxx.namespace"};
  if (before.file_of(a) == after.file_of(b) && before.file_id_of(a) != after.file_id_of(b))
    throw cannot{"both schemas are in files named " + before.file_of(a) +
                 ", whose C++ headers have the same name; give one of them another"};
}

struct parts {
  std::set<std::string> includes;
  std::string announced, declared, defined, functions;
};

void write_pair(const scaffold_pair& pair, parts& into) {
  const schema_names before(pair.old_schemas), after(pair.new_schemas);
  const auto& a = struct_in(before, pair.old_schemas, pair.old_type);
  const auto& b = struct_in(after, pair.new_schemas, pair.new_type);
  check_apart(before, a, after, b);
  for (const auto& file : {before.file_of(a), after.file_of(b)})
    if (!file.empty()) into.includes.insert("#include \"" + file + ".h\"\n");
  const auto write = [&](direction way, std::uint64_t from, std::uint64_t to,
                         const std::string& name) {
    way.name(from, to, name);
    into.announced += way.signature(from, to) + ";\n";
    into.functions += "\n" + way.function(from, to);
    way.write_helpers(into.declared, into.defined);
  };
  write(direction(before, after), pair.old_type, pair.new_type, pair.function);
  write(direction(after, before), pair.new_type, pair.old_type, pair.function + "_back");
}

std::string head(const std::vector<scaffold_pair>& pairs, const std::string& title) {
  std::string list;
  for (const auto& p : pairs)
    list += (list.empty() ? "&" : ", &") + p.function + ", &" + p.function + "_back";
  return "// Converters: " + one_line(title) +
         ".\n//\n// Begun by `instarctl scaffold`; what it could not decide is marked TODO. This "
         "file "
         "goes into\n// SOURCES of instar_add_module, the schemas of both sides into SCHEMAS, and "
         "into the operator's\n// class, with the functions declared before it:\n//\n//   static "
         "constexpr auto converters = instar::converters<" +
         list + ">;\n\n";
}

} // namespace

result<std::string> scaffold(const std::vector<scaffold_pair>& pairs, const std::string& title) {
  try {
    parts all;
    for (const auto& pair : pairs) write_pair(pair, all);
    std::string text = head(pairs, title);
    for (const auto& line : all.includes) text += line;
    text += "\n" + all.announced;
    if (!all.declared.empty()) text += "\n" + all.declared;
    return text + all.functions + all.defined;
  } catch (const cannot& e) {
    return failure{errc::bad_input, "scaffold: " + e.why};
  } catch (const kj::Exception& e) {
    return failure{errc::bad_input, "scaffold: " + one_line(e)};
  }
}

} // namespace instar

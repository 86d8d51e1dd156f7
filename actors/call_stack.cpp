#include "actors/call_stack.hpp"

#include "actors/code_file.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

namespace instar {

namespace {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return text ? text.get() : name;
}

/// What an object file calls the function at this place of it, also if it exports no such name.
std::optional<std::string> name_in_file(const char* file, std::uint64_t place) {
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  elf_version(EV_CURRENT);
  std::optional<std::string> found;
  const std::unique_ptr<Elf, decltype(&elf_end)> elf(elf_begin(fd, ELF_C_READ, nullptr), &elf_end);
  for (Elf_Scn* section = nullptr; elf && (section = elf_nextscn(elf.get(), section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0)
      continue;
    Elf_Data* const data = elf_getdata(section, nullptr);
    const auto count = data ? header.sh_size / header.sh_entsize : 0;
    for (std::uint64_t i = 0; i < count && !found; ++i) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, static_cast<int>(i), &symbol) ||
          GELF_ST_TYPE(symbol.st_info) != STT_FUNC || place < symbol.st_value ||
          place >= symbol.st_value + symbol.st_size)
        continue;
      if (const char* name = elf_strptr(elf.get(), header.sh_link, symbol.st_name))
        found = demangled(name);
    }
  }
  ::close(fd);
  return found;
}

std::string base_name(const char* path) {
  const std::string text(path);
  return text.substr(text.rfind('/') + 1);
}

std::string hexadecimal(std::uint64_t n) {
  std::string digits;
  do digits.insert(digits.begin(), "0123456789abcdef"[n % 16]);
  while ((n /= 16) > 0);
  return "0x" + digits;
}

std::string name_of(void* address, bool innermost) {
  // A return address may stand behind the last instruction of its function.
  auto* const at = static_cast<char*>(address) - (innermost ? 0 : 1);
  Dl_info info{};
  link_map* object = nullptr;
  if (!dladdr1(at, &info, reinterpret_cast<void**>(&object), RTLD_DL_LINKMAP) || !object)
    return "?";
  if (info.dli_sname) return short_name(demangled(info.dli_sname));
  const auto place = reinterpret_cast<std::uintptr_t>(at) - object->l_addr;
  const auto file = *object->l_name ? code_file::path_of(object->l_name) : "/proc/self/exe";
  if (const auto name = name_in_file(file.c_str(), place)) return short_name(*name);
  return base_name(*object->l_name ? object->l_name : info.dli_fname) + "+" + hexadecimal(place);
}

/// Without what stands between brackets of this kind.
std::string without(const std::string& text, char open, char close) {
  std::string kept;
  int depth = 0;
  for (const char c : text) {
    if (c == open) ++depth;
    if (depth == 0) kept += c;
    if (c == close && depth > 0) --depth;
  }
  return kept;
}

void replace_all(std::string& in, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = in.find(what, at)) != in.npos; at += by.size())
    in.replace(at, what.size(), by);
}

} // namespace

std::string short_name(const std::string& full) {
  std::string text = full;
  replace_all(text, "(anonymous namespace)::", "");
  replace_all(text, "operator()", "operator"); // whose brackets are no arguments
  text = without(text, '{', '}');              // lambdas
  text = without(text, '<', '>');
  text = without(text, '[', ']'); // marks of the ABI
  text = text.substr(0, text.find('('));
  if (const auto type = text.rfind(' '); type != text.npos) text.erase(0, type + 1);
  replace_all(text, "::::", "::");
  text.erase(0, std::min(text.find_first_not_of('_'), text.size())); // of the C library
  const auto last = text.rfind("::");
  if (last == text.npos || last == 0) return text;
  const auto before = text.rfind("::", last - 1);
  return before == text.npos ? text : text.substr(before + 2);
}

std::string type_name(const std::type_info& of) {
  const auto name = short_name(demangled(of.name()) + "::run");
  return name.substr(0, name.rfind("::"));
}

std::vector<std::string> call_stack(std::span<void* const> addresses) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < addresses.size(); ++i) names.push_back(name_of(addresses[i], i == 0));
  return names;
}

} // namespace instar

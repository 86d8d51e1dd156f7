#pragma once

#include "actors/operator.hpp"
#include "actors/operator_type.hpp"
#include "actors/settings.hpp"
#include "transfer/converters.hpp"

#include <capnp/common.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <type_traits>

namespace instar {

/// Version of everything a module is compiled against: operator_base, context, payloads, this
/// header. A module of another number is refused.
inline constexpr std::uint32_t module_api_version = 6;

/// What a module answers when it is asked for its operators. Layout is part of the API version.
struct operator_entry {
  const operator_type* type;
  operator_base* (*create)(const settings&); ///< may throw
  void (*destroy)(operator_base*);
  const converter* converters;
  std::size_t converter_count;
};
struct module_table {
  std::uint32_t api_version;
  std::size_t size;
  const operator_entry* entries;
};

/// Name of the ELF sections that a module is known by without running it.
inline constexpr std::string_view manifest_section = ".instar.manifest"; ///< JSON
inline constexpr std::string_view schemas_section = ".instar.schemas";   ///< CodeGeneratorRequest

} // namespace instar

#define INSTAR_TEXT_(x) #x
#define INSTAR_TEXT(x) INSTAR_TEXT_(x)
#if defined(__clang__)
#define INSTAR_COMPILER "clang++-" INSTAR_TEXT(__clang_major__)
#else
#define INSTAR_COMPILER "g++-" INSTAR_TEXT(__GNUC__)
#endif
#if defined(__SANITIZE_ADDRESS__)
#define INSTAR_SANITIZER "address"
#elif defined(__SANITIZE_THREAD__)
#define INSTAR_SANITIZER "thread"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTAR_SANITIZER "address"
#elif __has_feature(thread_sanitizer)
#define INSTAR_SANITIZER "thread"
#endif
#endif
#ifndef INSTAR_SANITIZER
#define INSTAR_SANITIZER "none"
#endif
#if defined(_GLIBCXX_USE_CXX11_ABI) && _GLIBCXX_USE_CXX11_ABI
#define INSTAR_STRING_ABI "cxx11"
#else
#define INSTAR_STRING_ABI "old"
#endif

/// What host and module must have in common besides the API version, because objects of the
/// standard library and of Cap'n Proto cross between them. Optimisation and NDEBUG may differ.
#define INSTAR_BUILD_ID                                                                            \
  INSTAR_COMPILER                                                                                  \
  " c++" INSTAR_TEXT(__cplusplus) " strings:" INSTAR_STRING_ABI " capnp:" INSTAR_TEXT(             \
      CAPNP_VERSION_MAJOR) "." INSTAR_TEXT(CAPNP_VERSION_MINOR) " sanitizer:" INSTAR_SANITIZER

namespace instar::detail {

/// Text as a template argument.
template <std::size_t N>
struct literal {
  consteval literal(const char (&text)[N]) {
    for (std::size_t i = 0; i < N; ++i) value[i] = text[i];
  }
  constexpr std::string_view view() const { return {value, N - 1}; }
  char value[N];
};

/// Writes JSON at compile time, or only counts its length.
class json_text {
public:
  constexpr explicit json_text(char* out) : out_(out) {}
  constexpr std::size_t size() const { return size_; }

  constexpr void raw(std::string_view text) {
    for (const char c : text) put(c);
  }
  constexpr void string(std::string_view text) {
    put('"');
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20) throw "control characters do not belong here";
      if (c == '"' || c == '\\') put('\\');
      put(c);
    }
    put('"');
  }
  constexpr void number(std::uint64_t n) {
    char digits[20] = {};
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + n % 10);
    while ((n /= 10) > 0);
    while (count > 0) put(digits[--count]);
  }
  constexpr void key(std::string_view name) {
    string(name);
    put(':');
  }

private:
  constexpr void put(char c) {
    if (out_) out_[size_] = c;
    ++size_;
  }
  char* out_;
  std::size_t size_ = 0;
};

constexpr std::string_view kind_name(setting_kind kind) {
  constexpr std::string_view names[] = {"text",     "integer", "number", "boolean",
                                        "duration", "size",    "path"};
  return names[static_cast<std::size_t>(kind)];
}

template <class List, class Write>
constexpr void write_list(json_text& json, std::string_view name, const List& list, Write write) {
  json.raw(",");
  json.key(name);
  json.raw("[");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i) json.raw(",");
    write(list[i]);
  }
  json.raw("]");
}

constexpr void write_formats(json_text& json, std::string_view name,
                             const fixed_list<state_format, 8>& formats) {
  write_list(json, name, formats, [&](const state_format& f) {
    json.raw("{\"schema\":");
    json.number(f.schema);
    json.raw(",\"cost\":");
    json.number(f.cost);
    json.raw("}");
  });
}

/// What state it keeps, and in which formats that goes over.
constexpr void write_state(json_text& json, const operator_type& type,
                           std::span<const converter> converters) {
  json.raw(",\"state_schema\":");
  json.number(type.state_schema);
  json.raw(",\"state_version\":");
  json.number(type.state_version);
  json.raw(",\"part_schema\":");
  json.number(type.part_schema);
  json.raw(type.mergeable ? ",\"mergeable\":true" : ",\"mergeable\":false");
  json.raw(",\"native\":{\"name\":");
  json.string(type.native.name);
  json.raw(",\"layout\":");
  json.number(type.native.layout);
  json.raw("}");
  write_formats(json, "exports", type.exports);
  write_formats(json, "imports", type.imports);
  write_list(json, "converters", converters, [&](const converter& c) {
    json.raw("{\"from\":");
    json.number(c.from);
    json.raw(",\"to\":");
    json.number(c.to);
    json.raw(",\"cost\":");
    json.number(c.cost);
    json.raw("}");
  });
}

constexpr void write_type(json_text& json, const operator_type& type,
                          std::span<const converter> converters) {
  const auto port = [&](const port_type& p) {
    json.raw("{\"name\":");
    json.string(p.name);
    json.raw(",\"payload\":");
    json.string(p.payload);
    json.raw(",\"schema\":");
    json.number(p.schema);
    if (p.follows >= 0) {
      json.raw(",\"follows\":");
      json.number(static_cast<std::uint64_t>(p.follows));
    }
    if (p.answers >= 0) {
      json.raw(",\"answers\":");
      json.number(static_cast<std::uint64_t>(p.answers));
    }
    json.raw("}");
  };
  json.raw("{\"name\":");
  json.string(type.name);
  json.raw(",\"version\":");
  json.number(type.version);
  json.raw(",\"help\":");
  json.string(type.help);
  write_list(json, "inputs", type.inputs, port);
  write_list(json, "outputs", type.outputs, port);
  write_state(json, type, converters);
  write_list(json, "settings", type.settings, [&](const setting_type& s) {
    json.raw("{\"name\":");
    json.string(s.name);
    json.raw(",\"kind\":");
    json.string(kind_name(s.kind));
    json.raw(",\"default\":");
    json.string(s.default_value);
    json.raw(s.required ? ",\"required\":true" : ",\"required\":false");
    json.raw(",\"help\":");
    json.string(s.help);
    json.raw("}");
  });
  json.raw(type.splits ? ",\"splits\":true}" : ",\"splits\":false}");
}

template <class... Operators>
constexpr std::size_t write_manifest(char* out, std::string_view module) {
  json_text json(out);
  json.raw("{\"module\":");
  json.string(module);
  json.raw(",\"api\":");
  json.number(module_api_version);
  json.raw(",\"build\":");
  json.string(INSTAR_BUILD_ID);
  json.raw(",\"operators\":[");
  bool first = true;
  ((json.raw(first ? "" : ","), first = false,
    write_type(json, Operators::type, instar::converters_of<Operators>())),
   ...);
  json.raw("]}");
  return json.size();
}

template <literal Name, class... Operators>
consteval auto manifest_text() {
  std::array<char, write_manifest<Operators...>(nullptr, Name.view())> text{};
  write_manifest<Operators...>(text.data(), Name.view());
  return text;
}

template <class Operator>
operator_base* create_operator(const settings& values) {
  if constexpr (std::is_constructible_v<Operator, const settings&>) return new Operator(values);
  else return new Operator();
}

template <class Operator>
void destroy_operator(operator_base* op) {
  delete static_cast<Operator*>(op);
}

template <class... Operators>
struct module_entries {
  static constexpr operator_entry list[] = {
      {&Operators::type, &create_operator<Operators>, &destroy_operator<Operators>,
       instar::converters_of<Operators>().data(), instar::converters_of<Operators>().size()}...};
};

} // namespace instar::detail

/// Makes a shared object a module: `INSTAR_MODULE("name", operator_class, …)`, once per module, in
/// the global namespace. Puts the manifest into its section and defines the entry point.
#define INSTAR_MODULE(NAME, ...)                                                                   \
  [[gnu::section(".instar.manifest"), gnu::used,                                                   \
    gnu::retain]] static constexpr auto instar_manifest_text =                                     \
      ::instar::detail::manifest_text<NAME, __VA_ARGS__>();                                        \
  extern "C" __attribute__((visibility("default"))) const ::instar::module_table*                  \
  instar_module_entry() {                                                                          \
    using entries = ::instar::detail::module_entries<__VA_ARGS__>;                                 \
    static constexpr ::instar::module_table table = {::instar::module_api_version,                 \
                                                     std::size(entries::list), entries::list};     \
    return &table;                                                                                 \
  }

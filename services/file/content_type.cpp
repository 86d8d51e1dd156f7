#include "services/file/content_type.hpp"

#include <strings.h>

#include <algorithm>
#include <iterator>

namespace instar::file {

namespace {

struct known_type {
  std::string_view extension, type;
};

constexpr known_type known[] = {
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webm", "video/webm"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

constexpr std::string_view other = "application/octet-stream";

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

std::string_view content_type(std::string_view name) noexcept {
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    const auto extension = name.substr(dot + 1);
    const auto found = std::find_if(std::begin(known), std::end(known), [&](const known_type& t) {
      return same(t.extension, extension);
    });
    if (found != std::end(known)) return found->type;
  }
  return other;
}

std::string_view kept_content_type(std::string_view text) noexcept {
  const auto found = std::find_if(std::begin(known), std::end(known),
                                  [&](const known_type& t) { return t.type == text; });
  return found != std::end(known) ? found->type : other;
}

bool compressible(std::string_view type) noexcept {
  if (type.starts_with("text/")) return true;
  constexpr std::string_view others[] = {"application/json", "application/wasm", "application/xml",
                                         "image/svg+xml",    "image/x-icon",     other};
  return std::find(std::begin(others), std::end(others), type) != std::end(others);
}

} // namespace instar::file

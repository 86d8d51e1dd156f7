#include "apps/common/command_line.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

namespace instar::apps {

namespace {

constexpr std::size_t longest_file = std::size_t{1} << 20;

} // namespace

result<graph_text> read_graph_text(const std::filesystem::path& file,
                                   std::vector<setting_override> overrides) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return failure{errc::bad_input, file.string() + ": is a folder; name a graph file"};
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return failure{errc::not_found, file.string() + ": cannot be opened: " + std::strerror(errno) +
                                        "; name a graph file that exists"};
  graph_text made;
  made.text.resize(longest_file + 1);
  in.read(made.text.data(), static_cast<std::streamsize>(made.text.size()));
  made.text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) return failure{errc::system, file.string() + ": cannot be read"};
  if (made.text.size() > longest_file)
    return failure{errc::bad_input,
                   file.string() + ": is longer than 1 MiB; that is no graph file"};
  made.origin = std::filesystem::absolute(file).lexically_normal();
  made.folder = std::filesystem::current_path();
  made.overrides = std::move(overrides);
  return made;
}

result<std::vector<setting_override>> parse_overrides(const std::vector<std::string>& given) {
  std::vector<setting_override> parsed;
  for (const auto& text : given) {
    auto one = parse_override(text);
    if (!one) return one.error();
    parsed.push_back(*std::move(one));
  }
  return parsed;
}

std::filesystem::path default_admin_socket() {
  const char* given = std::getenv("INSTAR_ADMIN");
  return given && *given ? given : "run/admin.sock";
}

result<std::chrono::nanoseconds> parse_duration(const std::string& text) {
  const auto value = parse_setting(text, setting_kind::duration, {});
  if (!value) return value.error();
  const std::chrono::nanoseconds parsed(std::get<std::int64_t>(*value));
  if (parsed <= std::chrono::nanoseconds(0) || parsed > std::chrono::hours(24))
    return failure{errc::bad_input,
                   "'" + text + "' is out of range; give more than 0s, at most 24h"};
  return parsed;
}

} // namespace instar::apps

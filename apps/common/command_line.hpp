#pragma once

#include "lifecycle/wanted_change.hpp"
#include "transfer/result.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace instar::apps {

/// A graph file's text with everything needed to understand it elsewhere: its absolute path and
/// the overrides from a command line of this process.
result<graph_text> read_graph_text(const std::filesystem::path& file,
                                   std::vector<setting_override> overrides);

/// All of `--set OPERATOR.KEY=VALUE`, or the first that is none.
result<std::vector<setting_override>> parse_overrides(const std::vector<std::string>& given);

/// `$INSTAR_ADMIN`, else `run/admin.sock`.
std::filesystem::path default_admin_socket();

/// A duration as graph files write it ("5s"), more than nothing and at most a day.
result<std::chrono::nanoseconds> parse_duration(const std::string& text);

} // namespace instar::apps

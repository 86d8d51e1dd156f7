#pragma once

#include <string_view>

namespace instar::file {

/// The media type that a file's name suggests; `application/octet-stream` if none. The text is the
/// host's, so it may be kept.
std::string_view content_type(std::string_view name) noexcept;

} // namespace instar::file

#pragma once

#include <string_view>

namespace instar::file {

/// The media type that a file's name suggests; `application/octet-stream` if none. The text is the
/// host's, so it may be kept.
std::string_view content_type(std::string_view name) noexcept;

/// The host's copy of a text that `content_type` has returned, for whoever restores it;
/// `application/octet-stream` for any other.
std::string_view kept_content_type(std::string_view text) noexcept;

/// Whether files of this type become smaller when they are compressed.
bool compressible(std::string_view type) noexcept;

} // namespace instar::file

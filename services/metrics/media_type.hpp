#pragma once

#include <string_view>

namespace instar {

/// Of the text form in which Prometheus fetches metrics. The text is the host's: it may be kept by
/// responses that outlive the module that made them.
std::string_view metrics_media_type() noexcept;

} // namespace instar

#pragma once

#include "actors/status.hpp"

#include <string_view>
#include <utility>

namespace instar::instarctl {

/// The operators that an arc called `from.port -> to.port` leads from and to.
std::pair<std::string_view, std::string_view> ends_of(std::string_view arc);

/// Sorts operators and arcs in the direction of the flow: senders before receivers, otherwise as
/// they were.
void sort_by_flow(service_status& status);

} // namespace instar::instarctl

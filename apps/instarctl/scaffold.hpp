#pragma once

#include "apps/instarctl/options.hpp"

namespace instar::instarctl {

/// Writes the skeleton of a converter. Asks no service.
exit_code write_scaffold(const options& o);

} // namespace instar::instarctl

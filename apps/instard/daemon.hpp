#pragma once

#include "apps/instard/options.hpp"

namespace instar::instard {

/// Runs the service of `o.graph` until it is told to stop, or ends by itself.
exit_code run(const options& o);

} // namespace instar::instard

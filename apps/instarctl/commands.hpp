#pragma once

#include "apps/instarctl/options.hpp"

namespace instar::instarctl {

/// Does what the command line says, prints the answer on stdout and what went wrong on stderr.
exit_code run(const options& o);

} // namespace instar::instarctl

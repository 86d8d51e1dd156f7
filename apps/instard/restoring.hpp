#pragma once

#include "apps/instard/options.hpp"
#include "lifecycle/checkpoint_contents.hpp"

#include <optional>

namespace instar::instard {

/// What the service is to begin with, by `--restore`; nothing if it starts anew. Checkpoints that
/// are passed over are told in the log.
result<std::optional<restore_request>> find_restore(const options& o);

} // namespace instar::instard

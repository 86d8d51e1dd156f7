#pragma once

#include "services/kv/batch.hpp"

#include <span>

namespace instar::kv {

/// The answers of several stores to the commands of one turn, put together in the commands' order:
/// what was split is one answer again. The duty to answer is that of the first; the others' are
/// fulfilled.
payload_ptr<replies> join(std::span<const payload_ptr<replies>> parts);

} // namespace instar::kv

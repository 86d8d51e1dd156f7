#pragma once

#include "actors/descriptors.hpp"
#include "pool_state.capnp.h"
#include "services/http/skip_body.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace instar {
class context;
}

namespace instar::pool {

/// A connection while a worker has it: what has come and is not understood yet, what is still to be
/// written. Between two system calls all of it is here, so a successor goes on at that byte.
struct task {
  using clock = std::chrono::steady_clock;

  std::shared_ptr<descriptor> peer;
  clock::time_point since; ///< the request began, or the client took something of its answer
  std::string input;
  bool answering = false;  ///< the request is understood; what follows is its answer
  bool last = false;       ///< the connection ends after it
  http::body_skipper body; ///< of the request; the answer is written when it is over
  std::string output;
  std::size_t written = 0;          ///< of `output`
  std::shared_ptr<descriptor> file; ///< what follows `output`, from `offset` on
  std::uint64_t offset = 0;
  std::uint64_t left = 0;

  /// Makes it ready for the next request.
  void finish();
};

void save(const task& from, WorkerState::Task::Builder into);
/// Nothing if its connection or its file is there no more. Throws if the state makes no sense.
std::optional<task> restore(WorkerState::Task::Reader from, const descriptors& all);

} // namespace instar::pool

#include "services/pool/task.hpp"

#include "services/blocking/saved.hpp"

#include <stdexcept>
#include <string_view>

namespace instar::pool {

using blocking::bytes_of;
using blocking::saved_bytes;

void task::finish() {
  answering = last = false;
  output.clear();
  written = 0;
  file = nullptr;
  offset = left = 0;
  since = clock::now();
}

void save(const task& from, WorkerState::Task::Builder into) {
  into.setConnection(from.peer->id());
  into.setSince(blocking::saved_time(from.since));
  into.setInput(saved_bytes(from.input));
  into.setAnswering(from.answering);
  into.setLast(from.last);
  into.setOutput(saved_bytes(std::string_view(from.output).substr(from.written)));
  into.setFile(from.file ? from.file->id() : 0);
  into.setOffset(from.offset);
  into.setLeft(from.left);
  const auto& at = from.body.where();
  auto body = into.initBody();
  body.setPhase(static_cast<std::uint8_t>(at.phase));
  body.setDigits(at.digits);
  body.setOverhead(at.overhead);
  body.setLeft(at.left);
  body.setAllowed(at.allowed);
}

std::optional<task> restore(WorkerState::Task::Reader from, const descriptors& all) {
  task made;
  made.peer = all.find(from.getConnection());
  if (!made.peer) return std::nullopt;
  made.since = blocking::time_of(from.getSince());
  made.input = bytes_of(from.getInput());
  made.answering = from.getAnswering();
  made.last = from.getLast();
  made.output = bytes_of(from.getOutput());
  made.offset = from.getOffset();
  made.left = from.getLeft();
  if (from.getFile() != 0) made.file = all.find(from.getFile());
  if (made.left > 0 && !made.file) return std::nullopt;
  const auto body = from.getBody();
  if (!made.body.resume({static_cast<http::body_skipper::phase>(body.getPhase()), body.getDigits(),
                         body.getOverhead(), body.getLeft(), body.getAllowed()}))
    throw std::runtime_error("the body of a request is skipped in a way that is not known");
  return made;
}

} // namespace instar::pool

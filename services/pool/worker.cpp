#include "services/pool/worker.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/blocking/waiting.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace instar::pool {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::uint32_t retry_seconds = 1;
/// What is not longer leaves with its head in one system call.
constexpr std::uint64_t short_file = 16 * 1024;

task begin(const packet& p) {
  task made;
  made.peer = p.as<descriptor_packet>().what();
  made.since = task::clock::now();
  return made;
}

} // namespace

worker::worker(const settings& values)
    : blocking_operator(blocking::rest_of(values)), files_(values),
      head_timeout_(values.duration("head_timeout")),
      write_timeout_(values.duration("write_timeout")), heads_(retry_seconds) {}

void worker::file_is_short() {
  throw std::system_error(EIO, std::generic_category(), "a file has become shorter");
}

void worker::run(blocking_context& ctx) {
  while (true) {
    while (!tasks_.empty()) {
      auto& t = tasks_.front();
      end how = end::closing;
      try {
        how = serve(ctx, t);
      } catch (const std::system_error&) { // the client is gone
        ::shutdown(t.peer->fd(), SHUT_RDWR);
      }
      if (how == end::closing) ::shutdown(t.peer->fd(), SHUT_WR);
      const auto id = t.peer->id();
      auto back = make_payload<descriptor_packet>(std::move(t.peer));
      tasks_.pop_front();
      ctx.emit(how == end::idle ? idle : closing, std::move(back), id);
    }
    const auto came = ctx.receive();
    tasks_.push_back(begin(came.what));
  }
}

bool worker::left_over(std::size_t, packet& p) {
  tasks_.push_back(begin(p));
  return true;
}

// -- one connection -----------------------------------------------------------------------------

worker::end worker::serve(blocking_context& ctx, task& t) {
  while (true) {
    if (!t.answering) {
      if (!understand(ctx, t) && !receive_more(ctx, t)) return end::closing;
    } else if (t.body.open()) {
      if (!skip_body(ctx, t)) return end::closing;
    } else {
      if (!send(ctx, t)) return end::closing;
      const bool last = t.last;
      t.finish();
      if (last) return end::closing;
      if (t.input.empty()) return end::idle;
    }
  }
}

/// Takes a request's head away from the front of the input, if it is complete or must be refused.
bool worker::understand(blocking_context& ctx, task& t) {
  // Clients may end a body with a line break that does not belong to it (RFC 9112, 2.2).
  t.input.erase(0, std::min(t.input.find_first_not_of("\r\n"), t.input.size()));
  const auto size = t.input.find(head_end);
  if (size == std::string::npos) {
    const auto status = http::refuse_early(t.input, t.input.size(), limits_);
    if (status != 0) refuse(ctx, t, status);
    return status != 0;
  }
  const auto text = t.input.substr(0, size + head_end.size());
  t.input.erase(0, text.size());
  auto head = http::parse_head(text, limits_);
  // Who gets its answer instead of leave to send the body may send it or not.
  if (head.wants_continue) head.line.keep_alive = false;
  answer(ctx, t, head);
  if (t.last) return true; // what else comes is thrown away
  if (head.chunked) t.body.begin_chunked(limits_.body);
  else t.body.begin_counted(head.body);
  return true;
}

/// Makes the answer, to be written once the request's body has come.
void worker::answer(blocking_context& ctx, task& t, const http::parsed_head& head) {
  auto made = make_payload<http::response>(
      http::request::make({}, head.line, head.target, head.fields.all()));
  const auto body = files_.answer(*made);
  std::shared_ptr<descriptor> file;
  if (body) file = ctx.host<descriptors>().hold(body->from.fd);
  std::string in_memory;
  if (body && body->part.size <= short_file) {
    in_memory.resize(static_cast<std::size_t>(body->part.size));
    if (!file::read_part(file->fd(), reinterpret_cast<std::byte*>(in_memory.data()), body->part)) {
      in_memory.clear();
      made->status = 500;
    }
    file = nullptr;
  } else if (made->body.size() > 0 && head.line.method != http::method::head) {
    in_memory = made->body.text();
  }
  heads_.write(*made);
  t.output.assign(made->head());
  t.output += in_memory;
  t.written = 0;
  t.offset = file ? body->part.first : 0;
  t.left = file ? body->part.size : 0;
  t.file = std::move(file);
  t.last = !head.line.keep_alive;
  t.answering = true;
  t.since = task::clock::now();
}

void worker::refuse(blocking_context& ctx, task& t, std::uint16_t status) {
  http::parsed_head head;
  head.line.keep_alive = false;
  head.line.refused = status;
  t.body = {};
  answer(ctx, t, head);
}

/// Returns false if nothing more comes. A request that takes too long is refused.
bool worker::receive_more(blocking_context& ctx, task& t) {
  if (!blocking::wait_ready(ctx, t.peer->fd(), POLLIN, t.since + head_timeout_)) {
    if (t.input.empty() && !t.body.open()) return false;
    refuse(ctx, t, 408);
    return true;
  }
  std::array<std::byte, 16 * 1024> block;
  const auto got = ctx.read(t.peer->fd(), block);
  if (t.input.empty() && !t.body.open()) t.since = task::clock::now();
  t.input.append(reinterpret_cast<const char*>(block.data()), got);
  return got > 0;
}

/// Throws what has come of the request's body away, or waits for more of it.
bool worker::skip_body(blocking_context& ctx, task& t) {
  using progress = http::body_skipper::progress;
  std::string_view text = t.input;
  const auto done = t.body.skip(text);
  t.input.erase(0, t.input.size() - text.size());
  if (done == progress::open) return receive_more(ctx, t);
  if (done != progress::complete) refuse(ctx, t, done == progress::too_large ? 413 : 400);
  return true;
}

/// Returns false if the client does not take it.
bool worker::send(blocking_context& ctx, task& t) {
  const int to = t.peer->fd();
  while (t.written < t.output.size()) {
    if (!blocking::wait_ready(ctx, to, POLLOUT, t.since + write_timeout_)) return false;
    t.written += ctx.write(to, std::as_bytes(std::span(t.output)).subspan(t.written));
    t.since = task::clock::now();
  }
  while (t.left > 0) {
    if (!blocking::wait_ready(ctx, to, POLLOUT, t.since + write_timeout_)) return false;
    const auto sent = send_file(ctx, t);
    t.offset += sent;
    t.left -= sent;
    if (sent > 0) t.since = task::clock::now();
  }
  return true;
}

// -- state --------------------------------------------------------------------------------------

void worker::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto list = into.init<WorkerState>().initTasks(static_cast<unsigned>(tasks_.size()));
  unsigned i = 0;
  for (const auto& t : tasks_) pool::save(t, list[i++]);
}

void worker::restore(context& ctx, state_reader& from) {
  auto& all = ctx.host<descriptors>();
  for (const auto entry : from.root<WorkerState>().getTasks())
    if (auto t = pool::restore(entry, all)) tasks_.push_back(*std::move(t));
}

} // namespace instar::pool

#include "services/http/reply.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

namespace instar::http {

namespace {

/// Bodies up to this size are written into the state; larger ones are handed over as they are.
constexpr std::size_t inline_body = 4096;

capnp::Data::Reader data_of(const void* bytes, std::size_t size) {
  return {static_cast<const kj::byte*>(bytes), size};
}

} // namespace

void reply::on_start(context& ctx) {
  sockets_ = &ctx.host<net::reactor>();
  for (auto at = outputs_.begin(); at != outputs_.end();) write(ctx, at++);
}

void reply::on_packet(context& ctx, std::size_t, packet p) {
  auto what = p.take<response>();
  if (!what->from) return;               // was answered another way
  if (what->from->open_requests() > 1) { // others before it may wait, others after it may follow
    auto& out = queue(std::move(what), 0);
    if (!out.waits) fresh_.push_back(out.to->id());
    return;
  }
  outgoing one{std::move(what), 0};
  const auto to = one.what->from.on();
  const auto progress = writer_.write(to->fd(), std::span(&one, 1));
  if (progress == write_progress::complete) {
    one.what->from.take();
    return answered(ctx, *to, *one.what);
  }
  queue(std::move(one.what), one.sent);
  const auto at = outputs_.find(to->id());
  if (progress == write_progress::failed) lost(ctx, at);
  else if (!wait(ctx, at->second, progress)) write(ctx, at);
}

void reply::on_events(context& ctx, std::span<event> events) {
  for (auto& e : events) {
    const auto at = outputs_.find(static_cast<net::connection&>(*e.source).id());
    if (at == outputs_.end()) continue;
    at->second.to->touch(net::coarse_seconds());
    at->second.waits = false;
    write(ctx, at);
  }
}

void reply::on_activation_end(context& ctx) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  for (const auto id : fresh_) {
    const auto at = outputs_.find(id);
    if (at != outputs_.end() && !at->second.waits) write(ctx, at);
  }
  fresh_.clear();
}

std::optional<std::string> reply::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || outputs_.empty()) return std::nullopt;
  return std::to_string(outputs_.size()) + " connections have not taken all of their answers";
}

/// From here on the duty to answer is this operator's, and moves with its state.
reply::output& reply::queue(payload_ptr<response> what, std::uint64_t sent) {
  auto to = what->from.take();
  auto& out = outputs_[to->id()];
  if (!out.to) out.to = std::move(to);
  out.queue.push_back({std::move(what), sent});
  return out;
}

void reply::write(context& ctx, output_map::iterator at) {
  auto& out = at->second;
  while (true) {
    const auto progress = writer_.write(out.to->fd(), out.queue);
    if (progress == write_progress::failed) return lost(ctx, at);
    const auto open = std::find_if(out.queue.begin(), out.queue.end(),
                                   [](const outgoing& one) { return !one.complete(); });
    for (auto one = out.queue.begin(); one != open; ++one) answered(ctx, *out.to, *one->what);
    out.queue.erase(out.queue.begin(), open);
    if (out.queue.empty()) {
      outputs_.erase(at);
      return;
    }
    if (wait(ctx, out, progress)) return;
  }
}

/// Returns whether an event will come; if not, writing has to be tried once more.
bool reply::wait(context& ctx, output& out, write_progress why) {
  const bool registered = static_cast<bool>(out.registered);
  if (!registered) out.registered = sockets_->watch(out.to, net::interest::writes, ctx.events());
  out.waits = true;
  if (why == write_progress::paused) {
    ctx.events()->post({out.to, net::ready::writable});
    return true;
  }
  // Only what becomes writable after this is told; so what did before must be found by trying.
  if (registered && out.to->awaits_writable()) return true;
  out.to->await_writable();
  out.waits = false;
  return false;
}

void reply::answered(context&, net::connection& to, const response& with) {
  if (!with.line.keep_alive) to.finish();
  if (to.close_request() == 0 && to.resume())
    sockets_->post(to, net::interest::resumes, net::ready::resumed);
}

void reply::lost(context& ctx, output_map::iterator at) {
  const auto out = std::move(at->second);
  outputs_.erase(at);
  out.to->abort();
  for (const auto& one : out.queue) answered(ctx, *out.to, *one.what);
}

// -- state --------------------------------------------------------------------------------------

void reply::save(state_writer& into) const {
  handed_over_.clear();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto outputs = into.init<ReplyState>().initOutputs(static_cast<unsigned>(outputs_.size()));
  unsigned i = 0;
  for (const auto& [id, out] : outputs_) {
    auto output = outputs[i++];
    output.setConnection(id);
    auto responses = output.initResponses(static_cast<unsigned>(out.queue.size()));
    unsigned j = 0;
    for (const auto& one : out.queue) {
      const auto& body = one.what->body;
      auto entry = responses[j++];
      entry.setHead(data_of(one.what->head().data(), one.what->head().size()));
      entry.setSent(one.sent);
      entry.setKeepAlive(one.what->line.keep_alive);
      if (body.size() == 0) continue;
      if (body.bytes() && body.size() <= inline_body) {
        entry.getBody().setBytes(data_of(body.bytes()->data(), body.bytes()->size()));
        continue;
      }
      if (body.bytes()) handed_over_.push_back(sockets_->kept().put(body.bytes()));
      else handed_over_.push_back(sockets_->kept().put(body.file()));
      auto held = entry.getBody().initHeld();
      held.setId(handed_over_.back().id());
      held.setOffset(body.offset());
      held.setSize(body.size());
    }
  }
}

namespace {

body restore_body(ReplyState::Response::Body::Reader from, net::shelf& kept) {
  if (from.isNone()) return {};
  if (from.isBytes())
    return body(net::buffer::copy(
        std::as_bytes(std::span(from.getBytes().begin(), from.getBytes().size()))));
  const auto held = from.getHeld();
  const auto object = kept.get(held.getId());
  if (auto* bytes = dynamic_cast<net::buffer*>(object.get()))
    return body(payload_ptr<net::buffer>::share(bytes));
  if (auto* of = dynamic_cast<file::handle*>(object.get()))
    return body(payload_ptr<file::handle>::share(of), held.getOffset(), held.getSize());
  throw std::runtime_error("the body of an answer that is half written is not kept any more");
}

outgoing restore_response(ReplyState::Response::Reader from, net::shelf& kept) {
  const auto head = from.getHead();
  auto made = make_payload<response>(net::open_request{},
                                     request_line{.keep_alive = from.getKeepAlive(), .refused = 0});
  if (head.size() > made->head_room().size())
    throw std::runtime_error("the head of an answer that is half written is too long");
  std::copy(head.begin(), head.end(), made->head_room().begin());
  made->set_head_size(head.size());
  made->body = restore_body(from.getBody(), kept);
  outgoing one{std::move(made), from.getSent()};
  if (one.sent > one.size())
    throw std::runtime_error("more of an answer was written than there is of it");
  return one;
}

} // namespace

void reply::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  for (const auto saved : from.root<ReplyState>().getOutputs()) {
    output out;
    out.registered = sockets_->find(saved.getConnection());
    out.to = out.registered.as<net::connection>();
    if (!out.to) continue; // it is lost
    for (const auto one : saved.getResponses())
      out.queue.push_back(restore_response(one, sockets_->kept()));
    outputs_.emplace(saved.getConnection(), std::move(out));
  }
}

} // namespace instar::http

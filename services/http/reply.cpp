#include "services/http/reply.hpp"

#include "actors/metrics.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace instar::http {

namespace {

/// Bodies up to this size are written into the state; larger ones are handed over as they are.
constexpr std::size_t inline_body = 4096;
constexpr std::chrono::seconds sweep_time{1};

capnp::Data::Reader data_of(const void* bytes, std::size_t size) {
  return {static_cast<const kj::byte*>(bytes), size};
}

} // namespace

reply::reply(const settings& values, bool use_sendfile)
    : out_(writer(use_sendfile)),
      write_seconds_(net::whole_seconds(values.duration("write_timeout"))) {}

void reply::on_start(context& ctx) {
  out_.start(ctx);
  look_later(ctx);
}

/// Only while somebody is slow.
void reply::look_later(context& ctx) {
  if (sweeps_ || out_.outputs().empty()) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

void reply::on_timer(context& ctx, std::uint64_t) {
  sweeps_ = false;
  out_.give_up(net::coarse_seconds(), write_seconds_);
  look_later(ctx);
}

void reply::on_packet(context& ctx, std::size_t, packet p) {
  auto what = p.take<response>();
  if (!what->from) return; // was answered another way
  auto from = std::move(what->from);
  if (what->unique()) what->asked = nullptr; // may be large, and the answer may have to wait
  out_.send(ctx, std::move(from), {std::move(what), 0});
}

void reply::on_events(context& ctx, std::span<event> events) { out_.writable(ctx, events); }

void reply::on_activation_end(context& ctx) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  out_.flush(ctx);
  look_later(ctx);
}

std::optional<std::string> reply::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || out_.outputs().empty()) return std::nullopt;
  return std::to_string(out_.outputs().size()) + " connections have not taken all of their answers";
}

// -- state --------------------------------------------------------------------------------------

void reply::save(state_writer& into) const {
  handed_over_.clear();
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<ReplyState>();
  state.setSweeps(sweeps_);
  const auto now = net::coarse_seconds();
  auto outputs = state.initOutputs(static_cast<unsigned>(out_.outputs().size()));
  unsigned i = 0;
  for (const auto& [id, out] : out_.outputs()) {
    auto output = outputs[i++];
    output.setConnection(id);
    output.setStuck(now - out.moved);
    auto responses = output.initResponses(static_cast<unsigned>(out.queue.size()));
    unsigned j = 0;
    for (const auto& one : out.queue) {
      const auto& body = one.what->body;
      auto entry = responses[j++];
      entry.setHead(data_of(one.what->head().data(), one.what->head().size()));
      entry.setSent(one.sent);
      entry.setKeepAlive(one.what->line.keep_alive);
      if (const auto& by = one.what->counted_by) {
        auto counted = entry.initCounted();
        counted.setBy(by->id());
        counted.setFrom(one.what->counted_from);
        counted.setStatus(one.what->status);
      }
      if (body.size() == 0) continue;
      if (body.bytes() && body.size() <= inline_body) {
        entry.getBody().setBytes(data_of(body.text().data(), body.text().size()));
        continue;
      }
      if (body.bytes()) handed_over_.push_back(out_.sockets().kept().put(body.bytes()));
      else handed_over_.push_back(out_.sockets().kept().put(body.file()));
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
  if (auto* bytes = dynamic_cast<net::buffer*>(object.get())) {
    if (held.getOffset() > bytes->size() || held.getSize() > bytes->size() - held.getOffset())
      throw std::runtime_error("more of an answer is to be written than is kept of it");
    return body(payload_ptr<net::buffer>::share(bytes), held.getOffset(), held.getSize());
  }
  if (auto* of = dynamic_cast<file::handle*>(object.get()))
    return body(payload_ptr<file::handle>::share(of), held.getOffset(), held.getSize());
  throw std::runtime_error("the body of an answer that is half written is not kept any more");
}

outgoing restore_response(context& ctx, ReplyState::Response::Reader from, net::shelf& kept) {
  const auto head = from.getHead();
  auto made = make_payload<response>(net::open_request{},
                                     request_line{.keep_alive = from.getKeepAlive(), .refused = 0});
  if (head.size() > made->head_room().size()) {
    made->set_long_head({reinterpret_cast<const char*>(head.begin()), head.size()});
  } else {
    std::copy(head.begin(), head.end(), made->head_room().begin());
    made->set_head_size(head.size());
  }
  made->body = restore_body(from.getBody(), kept);
  if (const auto counted = from.getCounted(); counted.getBy() != 0) {
    made->counted_by = ctx.host<metrics>().find(counted.getBy());
    made->counted_from = counted.getFrom();
    made->status = counted.getStatus();
  }
  outgoing one{std::move(made), from.getSent()};
  if (one.sent > one.size())
    throw std::runtime_error("more of an answer was written than there is of it");
  return one;
}

} // namespace

void reply::restore(context& ctx, state_reader& from) {
  out_.attach(ctx);
  const auto state = from.root<ReplyState>();
  sweeps_ = state.getSweeps();
  const auto now = net::coarse_seconds();
  for (const auto saved : state.getOutputs()) {
    std::vector<outgoing> queue;
    for (const auto one : saved.getResponses())
      queue.push_back(restore_response(ctx, one, out_.sockets().kept()));
    out_.restore(saved.getConnection(), std::move(queue), now - saved.getStuck());
  }
}

} // namespace instar::http

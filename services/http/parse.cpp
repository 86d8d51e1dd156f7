#include "services/http/parse.hpp"

#include "services/net/pausing.hpp"

#include <algorithm>
#include <chrono>
#include <span>
#include <stdexcept>
#include <utility>

namespace instar::http {

namespace {

constexpr std::string_view head_end = "\r\n\r\n";

/// Where the head ends; `fresh` bytes have not been searched yet.
std::size_t find_head_end(std::string_view text, std::size_t fresh) {
  const auto searched = text.size() - std::min(fresh, text.size());
  const auto from = searched - std::min(searched, head_end.size() - 1);
  const auto at = text.find(head_end, from);
  return at == std::string_view::npos ? at : at + head_end.size();
}

/// Clients may end a body with a line break that does not belong to it (RFC 9112, 2.2).
std::string_view without_line_breaks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
}

constexpr std::chrono::seconds sweep_time{1};

capnp::Data::Reader data_of(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

std::string text_of(capnp::Data::Reader from) {
  return {reinterpret_cast<const char*>(from.begin()), from.size()};
}

body_skipper::position position_of(ParseState::Partial::Reader from) {
  body_skipper::position at{static_cast<body_skipper::phase>(from.getPhase()), from.getDigits(),
                            from.getOverhead(), from.getSkip(), from.getAllowed()};
  // An earlier version only counted.
  if (at.phase == body_skipper::phase::none && at.left > 0) at.phase = body_skipper::phase::counted;
  return at;
}

} // namespace

parse::parse(const settings& values)
    : limits_{values.size("max_head"), values.size("max_target"), values.size("max_body")},
      whole_(values.boolean("whole")),
      max_open_(static_cast<std::uint32_t>(
          std::clamp<std::int64_t>(values.integer("max_pipelined"), 1, 1 << 20))),
      head_seconds_(net::whole_seconds(values.duration("head_timeout"))),
      body_seconds_(net::whole_seconds(values.duration("body_timeout"))) {}

void parse::on_start(context& ctx) { look_later(ctx); }

void parse::on_packet(context& ctx, std::size_t, packet p) {
  const auto& chunk = p.as<net::chunk>();
  const auto& from = chunk.from();
  if (chunk.end()) return on_end(*from);
  if (from->input_ended()) return;
  const auto known = partials_.empty() ? partials_.end() : partials_.find(from->id());
  if (known == partials_.end()) {
    partial fresh;
    fresh.bytes = take(ctx, from, chunk.text(), chunk.text().size(), fresh);
    if (fresh.idle()) return;
    partials_.emplace(from->id(), std::move(fresh));
    return look_later(ctx);
  }
  auto& about = known->second;
  about.bytes += chunk.text();
  if (about.paused) return;
  const auto left = take(ctx, from, about.bytes, chunk.text().size(), about);
  about.bytes.erase(0, about.bytes.size() - left.size());
  if (about.idle()) partials_.erase(known);
}

void parse::on_end(const net::connection& of) {
  const auto known = partials_.find(of.id());
  if (known == partials_.end()) return;
  if (known->second.paused) known->second.ended = true;
  else partials_.erase(known);
}

void parse::on_events(context& ctx, std::span<event> events) {
  for (auto& e : events) {
    auto& of = static_cast<net::connection&>(*e.source);
    const auto known = partials_.find(of.id());
    if (known == partials_.end() || !known->second.paused) continue;
    auto& about = known->second;
    const auto from = payload_ptr<net::connection>::share(&of);
    const auto held = std::exchange(about.paused, {});
    about.since = 0; // the pause was not the client's doing
    const auto left = take(ctx, from, about.bytes, about.bytes.size(), about);
    about.bytes.erase(0, about.bytes.size() - left.size());
    if (about.paused) continue;
    net::read_on(ctx, of);
    if (about.ended || about.idle()) partials_.erase(known);
  }
}

// -- slow clients -------------------------------------------------------------------------------

void parse::look_later(context& ctx) {
  if (sweeps_ || partials_.empty()) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

void parse::on_timer(context& ctx, std::uint64_t) {
  sweeps_ = false;
  const auto now = net::coarse_seconds();
  for (auto at = partials_.begin(); at != partials_.end();) {
    const auto& about = at->second;
    const bool late =
        !about.paused && now - about.since > (about.body.open() ? body_seconds_ : head_seconds_);
    const auto id = at->first;
    if (!late) {
      ++at;
      continue;
    }
    const auto began = about.began;
    at = partials_.erase(at);
    const auto held = ctx.host<net::reactor>().find(id);
    if (const auto from = held.as<net::connection>()) refuse(ctx, from, 408, began);
  }
  look_later(ctx);
}

// -- from bytes to requests ---------------------------------------------------------------------

/// Emits the requests that `text` begins with and returns the rest.
std::string_view parse::take(context& ctx, const payload_ptr<net::connection>& from,
                             std::string_view text, std::size_t fresh, partial& about) {
  while (true) {
    if (about.body.open()) {
      const auto end = take_body(ctx, from, text, about);
      if (end != body_end::complete) return {};
      fresh = text.size();
    }
    text = without_line_breaks(text);
    if (text.empty()) return {};
    if (from->open_requests() >= max_open_ && net::pause_input(ctx, from, about.paused))
      return text;
    const auto length = find_head_end(text, fresh);
    if (length == std::string_view::npos) {
      if (const auto status = refuse_early(text, fresh, limits_); status != 0) {
        refuse(ctx, from, status, take_began(about));
        return {};
      }
      if (about.since == 0) about.since = net::coarse_seconds();
      if (about.began == 0) about.began = now();
      return text;
    }
    if (!take_head(ctx, from, text, length, about)) return {};
    fresh = text.size();
  }
}

/// Takes a head away from the front of `text`, and the body that follows it if that is there.
/// Returns whether more requests may follow in `text`.
bool parse::take_head(context& ctx, const payload_ptr<net::connection>& from,
                      std::string_view& text, std::size_t length, partial& about) {
  const auto whole = text.substr(0, length);
  auto head = parse_head(whole, limits_, whole_);
  if (from->surplus() && head.line.refused == 0) {
    head.line.refused = 503;
    head.line.keep_alive = false;
  }
  text.remove_prefix(length);
  about.since = 0;
  if (!head.chunked && head.body == 0)
    return emit_request(ctx, from, head, take_began(about), whole);
  if (!head.line.keep_alive && head.line.refused != 0)
    return emit_request(ctx, from, head, take_began(about));
  if (about.began == 0) about.began = now();
  if (head.chunked) about.body.begin_chunked(limits_.body);
  else about.body.begin_counted(head.body);
  if (head.wants_continue && text.empty())
    emit_request(ctx, from, {.line = {.refused = 100}, .target = {}}, 0);
  about.head = whole;
  about.keeps = whole_;
  return take_body(ctx, from, text, about) == body_end::complete && !from->input_ended();
}

/// Goes on with the body of `about`; emits its request when it is complete.
parse::body_end parse::take_body(context& ctx, const payload_ptr<net::connection>& from,
                                 std::string_view& text, partial& about) {
  const auto done = about.body.take(text, [&](std::string_view piece) { keep(about, piece); });
  if (done == body_skipper::progress::open) {
    if (about.since == 0) about.since = net::coarse_seconds();
    return body_end::open;
  }
  about.body = {};
  about.since = 0;
  const auto head = std::exchange(about.head, {});
  const auto body = std::exchange(about.kept, {});
  const bool whole = whole_ && std::exchange(about.keeps, false);
  if (done != body_skipper::progress::complete) {
    refuse(ctx, from, done == body_skipper::progress::too_large ? 413 : 400, take_began(about));
    return body_end::refused;
  }
  // Without a head, its request was emitted by an earlier version.
  // And what an earlier version did not keep cannot be passed on.
  const auto began = take_began(about);
  if (head.empty() || emit_request(ctx, from, parse_head(head, limits_, whole), began, head, body))
    return body_end::complete;
  return body_end::refused;
}

void parse::keep(partial& about, std::string_view piece) const {
  if (whole_ && about.keeps) about.kept += piece;
}

/// Returns whether the connection takes further requests.
bool parse::emit_request(context& ctx, const payload_ptr<net::connection>& from,
                         const parsed_head& head, std::uint64_t began, std::string_view whole,
                         std::string_view body) {
  if (!head.line.keep_alive) from->end_input();
  if (!whole_ || head.line.refused != 0) whole = body = {};
  ctx.emit(out,
           request::make(
               net::open_request(from, began), head.line, head.target, head.fields.all(), whole,
               body.empty() ? nullptr : net::buffer::copy(std::as_bytes(std::span(body)))),
           from->id());
  return head.line.keep_alive;
}

void parse::refuse(context& ctx, const payload_ptr<net::connection>& from, std::uint16_t status,
                   std::uint64_t began) {
  emit_request(ctx, from, {.line = {.keep_alive = false, .refused = status}, .target = {}}, began);
}

/// The clock is read once an activation, whoever wants to know.
std::uint64_t parse::now() {
  if (now_ == 0) now_ = net::steady_nanoseconds();
  return now_;
}

/// Of the request that is about to leave; the next one begins anew.
std::uint64_t parse::take_began(partial& about) {
  const auto began = std::exchange(about.began, 0);
  return began != 0 ? began : now();
}

void parse::on_activation_end(context&) { now_ = 0; }

void parse::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto state = into.init<ParseState>();
  state.setSweeps(sweeps_);
  auto list = state.initPartials(static_cast<unsigned>(partials_.size()));
  const auto now = net::coarse_seconds();
  unsigned i = 0;
  for (const auto& [id, about] : partials_) {
    auto entry = list[i++];
    entry.setConnection(id);
    entry.setBytes(data_of(about.bytes));
    const auto& body = about.body.where();
    entry.setSkip(body.left);
    entry.setHead(data_of(about.head));
    entry.setPhase(static_cast<std::uint8_t>(body.phase));
    entry.setDigits(body.digits);
    entry.setOverhead(body.overhead);
    entry.setAllowed(body.allowed);
    entry.setBody(data_of(about.kept));
    entry.setKeeps(about.keeps);
    entry.setAge(about.since == 0 ? 0 : now - about.since);
    entry.setBegan(about.began);
    entry.setPaused(static_cast<bool>(about.paused));
    entry.setEnded(about.ended);
  }
}

void parse::restore(context& ctx, state_reader& from) {
  const auto state = from.root<ParseState>();
  sweeps_ = state.getSweeps();
  const auto now = net::coarse_seconds();
  for (const auto entry : state.getPartials()) {
    partial about;
    about.bytes = text_of(entry.getBytes());
    about.head = text_of(entry.getHead());
    about.keeps = whole_ && entry.getKeeps();
    if (about.keeps) about.kept = text_of(entry.getBody());
    about.since = now - entry.getAge();
    about.began = entry.getBegan();
    if (!about.body.resume(position_of(entry)))
      throw std::runtime_error("the body of a request is skipped in a way that is not known");
    about.ended = entry.getEnded();
    if (entry.getPaused()) {
      about.paused = ctx.host<net::reactor>().find(entry.getConnection());
      if (!about.paused) continue; // it is gone, and nobody waits for an answer
    }
    partials_.emplace(entry.getConnection(), std::move(about));
  }
}

} // namespace instar::http

#include "services/kv/parse.hpp"

#include "actors/bytes.hpp"
#include "services/net/pausing.hpp"

#include <algorithm>
#include <utility>

namespace instar::kv {

namespace {

constexpr std::size_t least_capacity = 64; // more than a string keeps within itself

std::uint32_t limit(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(value, 16, 1 << 30));
}

resp_limits limits_of(const settings& values) {
  return {.max_args = limit(static_cast<std::uint64_t>(values.integer("max_args"))),
          .max_bulk = limit(values.size("max_bulk")),
          .max_command = limit(values.size("max_command")),
          .max_inline = limit(values.size("max_inline"))};
}

} // namespace

parse::parse(const settings& values)
    : limits_(limits_of(values)), max_open_(static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                                      values.integer("max_open"), 1, 1 << 20))) {}

void parse::on_packet(context& ctx, std::size_t, packet p) {
  auto chunk = p.take<net::chunk>();
  const auto from = chunk->from();
  if (chunk->end()) return on_end(*from);
  if (from->input_ended()) return;
  if (from->surplus()) return complain(ctx, from, "max number of clients reached");
  const auto known = partials_.empty() ? partials_.end() : partials_.find(from->id());
  if (known != partials_.end()) {
    auto& about = known->second;
    if (about.bytes.size() + chunk->text().size() > about.bytes.capacity())
      about.bytes.reserve(std::max(about.bytes.size() * 2,
                                   std::min(about.parser.expected(), about.bytes.size() * 8)));
    about.bytes += chunk->text();
    if (about.paused) return;
    take_all(ctx, from, about);
    if (about.bytes.empty() && !about.paused) partials_.erase(known);
    return;
  }
  const auto text = chunk->text();
  if (from->open_requests() >= max_open_) {
    partial about(limits_);
    keep(about, text);
    if (!net::pause_input(ctx, from, about.paused)) take_all(ctx, from, about);
    if (!about.bytes.empty() || about.paused) partials_.emplace(from->id(), std::move(about));
    return;
  }
  request_parser parser(limits_);
  const bool goes_on = cut(ctx, from, text, parser);
  emit(ctx, from, chunk, quit_); // and keep it: what is left of its bytes is looked at
  if (!goes_on) return complain(ctx, from, parser.complaint());
  const auto rest = text.substr(parser.done());
  if (rest.empty() || quit_) return;
  parser.forget(parser.done());
  partial about(limits_);
  keep(about, rest);
  about.parser = std::move(parser);
  partials_.emplace(from->id(), std::move(about));
}

/// Deals with the bytes of a connection that came in several pieces, or were kept for later.
void parse::take_all(context& ctx, const payload_ptr<net::connection>& from, partial& about) {
  if (from->open_requests() >= max_open_ && net::pause_input(ctx, from, about.paused)) return;
  const bool goes_on = cut(ctx, from, about.bytes, about.parser);
  const auto done = about.parser.done();
  if (done == 0 && goes_on) return; // nothing is complete
  const auto whole = make_payload<bytes>(std::move(about.bytes));
  about.bytes = {};
  emit(ctx, from, whole, quit_);
  if (!goes_on) return complain(ctx, from, about.parser.complaint());
  if (quit_) return;
  about.parser.forget(done);
  if (done < whole->text().size()) keep(about, whole->text().substr(done));
}

void parse::keep(partial& about, std::string_view bytes) {
  about.bytes.reserve(std::max(least_capacity, bytes.size()));
  about.bytes = bytes;
}

/// Finds the complete commands of `text`. Returns false if what follows is none.
bool parse::cut(context& ctx, const payload_ptr<net::connection>& from, std::string_view text,
                request_parser& parser) {
  sorted_.begin(ctx.lanes(out.index));
  decoded_.clear();
  quit_ = false;
  const auto lane_of = [&](std::uint64_t place) { return ctx.lane(out.index, place); };
  for (;;) {
    const auto got = parser.next(text, sorted_.args(), decoded_);
    if (got != request_parser::step::command) return got == request_parser::step::more;
    if (sorted_.add(lane_of).id != command_id::quit) continue;
    quit_ = true;
    from->end_input();
    return true;
  }
}

/// Sends what `cut` has found, whose bytes these are.
void parse::emit(context& ctx, const payload_ptr<net::connection>& from, payload_ptr<payload> bytes,
                 bool ends) {
  if (sorted_.commands() == 0) return;
  const batch_place place{from->take_turn(), static_cast<std::uint16_t>(sorted_.parts()), ends};
  const auto lanes = sorted_.lanes();
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    if (lanes[i].commands.empty()) continue;
    // Whoever sends batches by lanes gives a key of that lane.
    const auto key = lanes.size() == 1 ? from->id() : lane_end(i, lanes.size()) - 1;
    ctx.emit(out,
             batch::make(net::open_request(from), bytes, place, lane_end(i, lanes.size()),
                         lanes[i].commands, lanes[i].args, decoded_),
             key);
  }
}

void parse::complain(context& ctx, const payload_ptr<net::connection>& from,
                     const std::string& what) {
  from->end_input();
  const command_part malformed{command_id::malformed, joining::whole, 0, 1, 0, 0};
  const std::string_view args[] = {what};
  ctx.emit(out,
           batch::make(net::open_request(from), nullptr, {from->take_turn(), 1, true},
                       lane_end(0, 1), std::span(&malformed, 1), args, what),
           ctx.lanes(out.index) == 1 ? from->id() : 0);
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
    const auto held = std::exchange(about.paused, {});
    take_all(ctx, payload_ptr<net::connection>::share(&of), about);
    if (about.paused) continue;
    net::read_on(ctx, of);
    if (about.ended || about.bytes.empty()) partials_.erase(known);
  }
}

void parse::save(state_writer& into) const {
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  auto list = into.init<ParseState>().initPartials(static_cast<unsigned>(partials_.size()));
  unsigned i = 0;
  for (const auto& [id, about] : partials_) {
    auto entry = list[i++];
    entry.setConnection(id);
    entry.setBytes(capnp::Data::Reader(reinterpret_cast<const kj::byte*>(about.bytes.data()),
                                       about.bytes.size()));
    entry.setPaused(static_cast<bool>(about.paused));
    entry.setEnded(about.ended);
  }
}

void parse::restore(context& ctx, state_reader& from) {
  for (const auto entry : from.root<ParseState>().getPartials()) {
    partial about(limits_);
    const auto bytes = entry.getBytes();
    keep(about, {reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
    about.ended = entry.getEnded();
    if (entry.getPaused()) {
      about.paused = ctx.host<net::reactor>().find(entry.getConnection());
      if (!about.paused) continue; // it is gone, and nobody waits for an answer
    }
    partials_.emplace(entry.getConnection(), std::move(about));
  }
}

} // namespace instar::kv

#include "services/http/parse.hpp"

#include "services/net/pausing.hpp"

#include <algorithm>
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

} // namespace

parse::parse(const settings& values)
    : limits_{values.size("max_head"), values.size("max_target"), values.size("max_body")},
      max_open_(static_cast<std::uint32_t>(
          std::clamp<std::int64_t>(values.integer("max_pipelined"), 1, 1 << 20))) {}

void parse::on_packet(context& ctx, std::size_t, packet p) {
  const auto& chunk = p.as<net::chunk>();
  const auto& from = chunk.from();
  if (chunk.end()) return on_end(*from);
  if (from->input_ended()) return;
  const auto known = partials_.empty() ? partials_.end() : partials_.find(from->id());
  if (known == partials_.end()) {
    partial fresh;
    const auto left = take(ctx, from, chunk.text(), chunk.text().size(), fresh);
    if (left.empty() && fresh.skip == 0 && !fresh.paused) return;
    fresh.bytes = left;
    partials_.emplace(from->id(), std::move(fresh));
    return;
  }
  auto& about = known->second;
  about.bytes += chunk.text();
  if (about.paused) return;
  const auto left = take(ctx, from, about.bytes, chunk.text().size(), about);
  if (left.empty() && about.skip == 0 && !about.paused) partials_.erase(known);
  else about.bytes.erase(0, about.bytes.size() - left.size());
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
    const auto left = take(ctx, from, about.bytes, about.bytes.size(), about);
    about.bytes.erase(0, about.bytes.size() - left.size());
    if (about.paused) continue;
    net::read_on(ctx, of);
    if (about.ended || (about.bytes.empty() && about.skip == 0)) partials_.erase(known);
  }
}

/// Emits the requests that `text` begins with and returns the rest.
std::string_view parse::take(context& ctx, const payload_ptr<net::connection>& from,
                             std::string_view text, std::size_t fresh, partial& about) {
  while (true) {
    const auto skipped = std::min<std::uint64_t>(about.skip, text.size());
    about.skip -= skipped;
    text = without_line_breaks(text.substr(skipped));
    if (text.empty()) return {};
    if (from->open_requests() >= max_open_ && net::pause_input(ctx, from, about.paused))
      return text;
    const auto length = find_head_end(text, fresh);
    if (length == std::string_view::npos) {
      const auto status = refuse_early(text, fresh, limits_);
      if (status == 0) return text;
      refuse(ctx, from, status);
      return {};
    }
    const auto head = parse_head(text.substr(0, length), limits_);
    if (!emit_request(ctx, from, head)) return {};
    about.skip = head.body;
    text.remove_prefix(length);
    fresh = text.size();
  }
}

/// Returns whether the connection takes further requests.
bool parse::emit_request(context& ctx, const payload_ptr<net::connection>& from,
                         const parsed_head& head) {
  if (!head.line.keep_alive) from->end_input();
  ctx.emit(out, request::make(net::open_request(from), head.line, head.target), from->id());
  return head.line.keep_alive;
}

void parse::refuse(context& ctx, const payload_ptr<net::connection>& from, std::uint16_t status) {
  emit_request(ctx, from, {.line = {.keep_alive = false, .refused = status}, .target = {}});
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
    entry.setSkip(about.skip);
    entry.setPaused(static_cast<bool>(about.paused));
    entry.setEnded(about.ended);
  }
}

void parse::restore(context& ctx, state_reader& from) {
  for (const auto entry : from.root<ParseState>().getPartials()) {
    partial about;
    const auto bytes = entry.getBytes();
    about.bytes.assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
    about.skip = entry.getSkip();
    about.ended = entry.getEnded();
    if (entry.getPaused()) {
      about.paused = ctx.host<net::reactor>().find(entry.getConnection());
      if (!about.paused) continue; // it is gone, and nobody waits for an answer
    }
    partials_.emplace(entry.getConnection(), std::move(about));
  }
}

} // namespace instar::http

#include "services/http/cache.hpp"

#include "services/file/content_type.hpp"
#include "services/http/multipart.hpp"
#include "services/http/select.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

namespace instar::http {

namespace {

/// Whoever loads answers every request, or has lost it by an error, and its connection with it;
/// after this time it is taken for the latter.
constexpr std::chrono::minutes lost_after{30};

std::size_t size_of(const settings& values, std::string_view name) {
  return static_cast<std::size_t>(std::max<std::int64_t>(0, values.integer(name)));
}

/// As saved; what is no age counts as the longest that there is.
std::chrono::nanoseconds age_of(std::int64_t saved) {
  constexpr std::chrono::nanoseconds longest = std::chrono::hours(24 * 365);
  return saved < 0 ? longest : std::min(longest, std::chrono::nanoseconds(saved));
}

/// The body in memory, whatever form it has; null if it cannot be read.
payload_ptr<net::buffer> in_memory(const body& from) {
  if (from.bytes()) return from.bytes();
  auto bytes = net::buffer::make(from.size());
  std::size_t done = 0;
  while (done < bytes->size()) {
    const auto got = ::pread(from.file()->fd(), bytes->data() + done, bytes->size() - done,
                             static_cast<off_t>(from.offset() + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return nullptr;
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

/// Targets begin with a slash, so both kinds of key differ.
std::string_view key_of(const request& asked, std::string& room) {
  if (!asked.has(field::accept_encoding) || !prefers_gzip(asked)) return asked.target();
  room.push_back('+');
  room.append(asked.target());
  return room;
}

} // namespace

cache::cache(const settings& values)
    : max_bytes_(size_of(values, "max_bytes")), max_body_(size_of(values, "max_body")),
      max_age_(std::max<std::int64_t>(0, values.integer("max_age"))),
      looked_for_lost_(clock::now()) {}

std::size_t cache::entry::cost() const {
  constexpr std::size_t overhead = 128; // of list and table
  return overhead + target.size() + (body ? body->size() : 0);
}

void cache::on_start(context& ctx) { sockets_ = &ctx.host<net::reactor>(); }

void cache::on_packet(context& ctx, std::size_t port, packet p) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  if (port == asked.index) on_request(ctx, std::move(p));
  else on_loaded(ctx, std::move(p));
}

void cache::on_request(context& ctx, packet p) {
  const auto& from = p.as<request>();
  if (!from.from()) return; // its answer goes another way
  const auto connection = p.key;
  const bool good = from.line().refused == 0;
  std::string room;
  const auto key = good ? key_of(from, room) : std::string_view();
  const bool may_have = good && from.line().method != method::other;
  if (may_have && !open_of_.count(connection))
    if (const auto* found = find(key))
      return ctx.emit(out, answer(p.take<request>(), *found), connection);
  const bool may_keep = good && from.line().method == method::get;
  open_.emplace(++last_miss_,
                open_miss{connection, may_keep ? std::string(key) : std::string(), clock::now()});
  ++open_of_[connection];
  ctx.emit_packet(miss.index, packet{std::move(p.body), last_miss_});
  forget_lost();
}

payload_ptr<response> cache::answer(payload_ptr<request> asked, const entry& from) const {
  constexpr std::uint64_t most_multipart = 1024 * 1024;
  auto made = make_payload<response>(net::open_request(), asked->line());
  made->asked = asked;
  static_cast<response_fields&>(*made) = from.fields;
  range_list parts;
  if (asked->is_selective()) select(*made, parts, most_multipart);
  if (made->parts > 1) {
    const auto copy = [&](std::byte* to, byte_range part) {
      std::memcpy(to, from.body->data() + part.first, part.size);
      return true;
    };
    fill_multipart(*made, parts.parts(), copy);
  } else if (from.body && made->line.method != method::head &&
             (made->status == 200 || made->status == 206)) {
    made->body = body(from.body, made->first, made->content_length);
  }
  made->from = asked->take_from();
  return made;
}

void cache::on_loaded(context& ctx, packet p) {
  const auto at = open_.find(p.key);
  if (at == open_.end()) return; // it was given up
  const auto connection = at->second.connection;
  auto& answer = p.as<response>();
  if (answer.status == 200 && !answer.passed && !at->second.target.empty() &&
      answer.content_length == answer.body.size() && answer.body.size() <= max_body_ &&
      admits(at->second.target))
    keep(std::move(at->second.target), answer);
  close(at);
  ctx.emit_packet(out.index, packet{std::move(p.body), connection});
}

cache::entry* cache::find(std::string_view target) {
  const auto at = by_target_.find(target);
  if (at == by_target_.end()) return nullptr;
  if (clock::now() - at->second->loaded_at > max_age_) {
    drop(at->second);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return &*at->second;
}

void cache::keep(std::string target, const response& answer) {
  entry fresh{std::move(target), answer, nullptr, clock::now()};
  fresh.fields.complete_length = answer.content_length;
  if (answer.body.size() > 0 && !(fresh.body = in_memory(answer.body))) return;
  if (const auto old = by_target_.find(fresh.target); old != by_target_.end()) drop(old->second);
  insert(std::move(fresh));
}

void cache::insert(entry e) {
  bytes_ += e.cost();
  entries_.push_front(std::move(e));
  by_target_.emplace(entries_.front().target, entries_.begin());
  while (bytes_ > max_bytes_) drop(std::prev(entries_.end()));
}

void cache::drop(entry_list::iterator at) {
  bytes_ -= at->cost();
  by_target_.erase(at->target);
  entries_.erase(at);
}

void cache::close(std::unordered_map<std::uint64_t, open_miss>::iterator at) {
  const auto count = open_of_.find(at->second.connection);
  if (--count->second == 0) open_of_.erase(count);
  open_.erase(at);
}

/// Requests that whoever loads has lost by an error.
void cache::forget_lost() {
  const auto now = clock::now();
  if (now - looked_for_lost_ < lost_after) return;
  looked_for_lost_ = now;
  for (auto at = open_.begin(); at != open_.end();) {
    const auto lost = at++;
    if (now - lost->second.since > lost_after) close(lost);
  }
}

std::optional<std::string> cache::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || open_.empty()) return std::nullopt;
  return std::to_string(open_.size()) + " requests are being loaded";
}

void cache::save(state_writer& into) const {
  handed_over_.clear();
  const auto now = clock::now();
  auto saved = into.init<CacheState>();
  saved.setLastMiss(last_miss_);
  // Bodies are kept by this process, connections end with it; and a cache may forget.
  if (into.purpose() == save_purpose::checkpoint) return;
  auto entries = saved.initEntries(static_cast<unsigned>(entries_.size()));
  unsigned i = 0;
  for (auto one = entries_.rbegin(); one != entries_.rend(); ++one) {
    auto entry = entries[i++];
    entry.setTarget(one->target);
    entry.setContentType(std::string(one->fields.content_type));
    entry.setModified(one->fields.modified);
    entry.setModifiedFraction(one->fields.modified_fraction);
    entry.setGzipped(one->fields.gzipped);
    entry.setVaries(one->fields.varies);
    entry.setAgeNs((now - one->loaded_at) / std::chrono::nanoseconds(1));
    if (!one->body) continue;
    handed_over_.push_back(sockets_->kept().put(one->body));
    entry.setBody(handed_over_.back().id());
  }
  auto open = saved.initOpen(static_cast<unsigned>(open_.size()));
  i = 0;
  for (const auto& [id, one] : open_) {
    auto miss = open[i++];
    miss.setId(id);
    miss.setConnection(one.connection);
    miss.setTarget(one.target);
    miss.setAgeNs((now - one.since) / std::chrono::nanoseconds(1));
  }
}

void cache::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  const auto now = clock::now();
  const auto saved = from.root<CacheState>();
  last_miss_ = saved.getLastMiss();
  for (const auto one : saved.getEntries()) {
    entry e{std::string(one.getTarget()), {}, nullptr, now - age_of(one.getAgeNs())};
    e.fields.content_type = file::kept_content_type(std::string(one.getContentType()));
    e.fields.modified = one.getModified();
    e.fields.modified_fraction = one.getModifiedFraction();
    e.fields.gzipped = one.getGzipped();
    e.fields.varies = one.getVaries();
    if (one.getBody() != 0) {
      const auto kept = sockets_->kept().get(one.getBody());
      auto* bytes = dynamic_cast<net::buffer*>(kept.get());
      if (!bytes) continue; // a cache may forget
      e.body = payload_ptr<net::buffer>::share(bytes);
      e.fields.content_length = e.fields.complete_length = bytes->size();
    }
    if (!by_target_.count(e.target)) insert(std::move(e));
  }
  for (const auto one : saved.getOpen()) {
    const bool fresh =
        open_
            .emplace(one.getId(), open_miss{one.getConnection(), std::string(one.getTarget()),
                                            now - age_of(one.getAgeNs())})
            .second;
    if (fresh) ++open_of_[one.getConnection()];
  }
}

bool cache_v2::admits(std::string_view target) {
  if (marked_ > filter_size / 2) { // too full to tell
    seen_.assign(filter_size, false);
    marked_ = 0;
  }
  auto&& seen = seen_[std::hash<std::string_view>()(target) % filter_size];
  if (seen) return true;
  seen = true;
  ++marked_;
  return false;
}

} // namespace instar::http

#include "services/proxy/join.hpp"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

namespace instar::proxy {

namespace {

constexpr std::chrono::seconds sweep_time{2};

bool is_repeatable(const http::request& of) {
  if (of.line().method != http::method::other) return true;
  const auto name = of.find(http::field::method);
  return name == "PUT" || name == "DELETE" || name == "OPTIONS";
}

} // namespace

join::join(const settings& values)
    : timeout_(std::max<std::chrono::nanoseconds>(values.duration("timeout"),
                                                  std::chrono::milliseconds(1))),
      options_{values.text("host"), values.boolean("forwarded")} {}

void join::on_start(context& ctx) {
  sockets_ = &ctx.host<net::reactor>();
  look_later(ctx);
}

void join::on_packet(context& ctx, std::size_t, packet p) {
  handed_over_.clear(); // goes on, so what it saved was not taken over
  const auto key = p.key;
  auto asked = p.take<http::request>();
  if (!asked->from()) return; // its answer goes another way
  const auto head = upstream_head(*asked, asked->from()->peer(), options_);
  const auto token = ++last_token_;
  auto what = make_payload<question>();
  what->body = asked->body();
  what->head_only = asked->line().method == http::method::head;
  what->repeatable = is_repeatable(*asked);
  what->within = timeout_;
  open_.emplace(token, open_request{std::move(asked), key});
  if (head.empty()) {
    if (!std::exchange(complained_, true))
      ctx.log(log_level::error, "requests come without their heads, so they cannot be passed on; "
                                "set whole = true for http.parse");
    return answer(ctx, token, refusal(502));
  }
  what->head = net::buffer::copy(std::as_bytes(std::span(head)));
  ctx.request(asks, std::move(what), timeout_, token);
  look_later(ctx);
}

void join::on_answer(context& ctx, std::size_t, std::uint64_t token, packet p) {
  answer(ctx, token, p.take<http::response>());
}

void join::on_no_answer(context& ctx, std::size_t, std::uint64_t token, no_answer why) {
  answer(ctx, token, refusal(why == no_answer::deadline ? 504 : 502));
}

void join::answer(context& ctx, std::uint64_t token, payload_ptr<http::response> with) {
  handed_over_.clear();
  const auto found = open_.find(token);
  if (found == open_.end()) return;
  auto [asked, key] = std::move(found->second);
  open_.erase(found);
  with->from = asked->take_from();
  with->line = asked->line();
  with->asked = std::move(asked);
  ctx.emit(out, std::move(with), key);
}

/// Only while something is asked.
void join::look_later(context& ctx) {
  if (sweeps_ || open_.empty()) return;
  sweeps_ = true;
  ctx.set_timer(sweep_time, 0);
}

/// Who waits for an answer from elsewhere is not idle.
void join::on_timer(context& ctx, std::uint64_t) {
  sweeps_ = false;
  const auto now = net::coarse_seconds();
  for (const auto& [token, one] : open_) one.asked->from()->touch(now);
  look_later(ctx);
}

std::optional<std::string> join::not_yet(context&, cut_purpose purpose) {
  if (purpose == cut_purpose::hand_over || open_.empty()) return std::nullopt;
  return std::to_string(open_.size()) + " requests are being asked upstream";
}

void join::save(state_writer& into) const {
  handed_over_.clear();
  auto state = into.init<JoinState>();
  state.setLastToken(last_token_);
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  state.setSweeps(sweeps_);
  auto list = state.initOpen(static_cast<unsigned>(open_.size()));
  unsigned i = 0;
  for (const auto& [token, one] : open_) {
    handed_over_.push_back(sockets_->kept().put(one.asked));
    auto entry = list[i++];
    entry.setToken(token);
    entry.setRequest(handed_over_.back().id());
    entry.setKey(one.key);
  }
}

void join::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  const auto state = from.root<JoinState>();
  last_token_ = state.getLastToken();
  sweeps_ = state.getSweeps();
  for (const auto one : state.getOpen()) {
    const auto kept = sockets_->kept().get(one.getRequest());
    auto* asked = dynamic_cast<http::request*>(kept.get());
    if (!asked || !asked->from())
      throw std::runtime_error("a request that is asked upstream is not kept any more");
    open_.emplace(one.getToken(),
                  open_request{payload_ptr<http::request>::share(asked), one.getKey()});
  }
}

} // namespace instar::proxy

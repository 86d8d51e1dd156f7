// What a successor of `send` gets.
#include "services/proxy/send.hpp"

#include <stdexcept>
#include <utility>

namespace instar::proxy {

void send::save(state_writer& into) const {
  handed_over_.clear();
  auto state = into.init<SendState>();
  state.setLastToken(last_token_);
  if (into.purpose() == save_purpose::checkpoint) return; // connections end with the process
  state.setSweeps(sweeps_);
  const auto now = net::coarse_seconds();
  const auto& all = pool_.servers();
  auto servers = state.initServers(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < servers.size(); ++i) {
    auto entry = servers[i];
    entry.setAddress(all[i].at.text);
    const auto down = static_cast<std::int32_t>(all[i].down_until - now);
    entry.setDown(all[i].down_until != 0 && down > 0 ? static_cast<std::uint32_t>(down) : 0);
    auto idle = entry.initIdle(static_cast<unsigned>(all[i].idle.size()));
    for (unsigned j = 0; j < idle.size(); ++j) {
      idle[j].setConnection(all[i].idle[j].link->id());
      idle[j].setAge(now - all[i].idle[j].since);
    }
  }
  auto jobs = state.initJobs(static_cast<unsigned>(jobs_.size()));
  unsigned i = 0;
  for (const auto& [token, of] : jobs_) {
    auto entry = jobs[i++];
    handed_over_.push_back(sockets_->kept().put(of.asked));
    entry.setQuestion(handed_over_.back().id());
    entry.setToken(token);
    entry.setRequest(of.request);
    entry.setPhase(static_cast<std::uint8_t>(of.phase));
    entry.setServer(static_cast<std::uint32_t>(of.server));
    entry.setConnection(of.link ? of.link->id() : 0);
    entry.setSent(of.sent);
    entry.setUsedBefore(of.used_before);
    entry.setFreshOnly(of.fresh_only);
    entry.setTried(of.tried.to_ullong());
    entry.setStatus(of.status);
    entry.setAge(now - of.since);
    entry.setStill(now - of.moved);
  }
  auto waiting = state.initWaiting(static_cast<unsigned>(waiting_.size()));
  for (unsigned j = 0; j < waiting.size(); ++j) waiting.set(j, waiting_[j]);
}

void send::restore(context& ctx, state_reader& from) {
  sockets_ = &ctx.host<net::reactor>();
  const auto now = net::coarse_seconds();
  const auto state = from.root<SendState>();
  last_token_ = state.getLastToken();
  sweeps_ = state.getSweeps();
  std::vector<std::size_t> now_at; // by the index that they had
  for (const auto one : state.getServers()) {
    const auto at = pool_.find_or_retire(std::string(one.getAddress()));
    now_at.push_back(at);
    if (one.getDown() > 0) pool_.restore_down(at, now + one.getDown());
    for (const auto idle : one.getIdle()) {
      auto link = sockets_->find(idle.getConnection());
      if (link.as<net::outgoing>()) pool_.restore_idle(at, std::move(link), now - idle.getAge());
    }
  }
  for (const auto one : state.getJobs()) {
    const auto kept = sockets_->kept().get(one.getQuestion());
    auto* asked = dynamic_cast<question*>(kept.get());
    if (!asked || one.getPhase() > static_cast<std::uint8_t>(phase::reading))
      throw std::runtime_error("a question that has no answer yet is not kept any more");
    job of;
    of.request = one.getRequest();
    of.asked = payload_ptr<question>::share(asked);
    of.phase = static_cast<send::phase>(one.getPhase());
    of.sent = one.getSent();
    of.used_before = one.getUsedBefore();
    of.fresh_only = one.getFreshOnly();
    of.status = one.getStatus();
    of.since = now - one.getAge();
    of.moved = now - one.getStill();
    const pool::server_set tried(one.getTried());
    for (std::size_t i = 0; i < now_at.size() && i < tried.size(); ++i)
      if (tried[i] && now_at[i] < tried.size()) of.tried.set(now_at[i]);
    const auto token = one.getToken();
    if (of.phase != phase::waiting) {
      if (one.getServer() >= now_at.size())
        throw std::runtime_error("a question went to a server that is not told of");
      of.server = now_at[one.getServer()];
      pool_.opened(of.server);
    }
    if (of.phase == phase::connecting || of.phase == phase::writing) {
      of.link = sockets_->find(one.getConnection());
      if (!of.link.as<net::outgoing>() ||
          of.sent > of.asked->head_text().size() + of.asked->body_text().size())
        throw std::runtime_error("the connection of a question is not kept any more");
      by_link_.emplace(of.link->id(), token);
    }
    jobs_.emplace(token, std::move(of));
  }
  for (const auto token : state.getWaiting())
    if (jobs_.count(token)) waiting_.push_back(token);
}

} // namespace instar::proxy

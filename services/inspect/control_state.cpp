#include "services/inspect/control.hpp"
#include "services/inspect/wire.hpp"

#include <utility>

namespace instar::inspect {

namespace {

constexpr std::chrono::hours longest_silence{24 * 365};

} // namespace

void control::save(state_writer& into) const {
  auto state = into.init<ControlState>();
  state.setJobs(jobs_);
  if (into.purpose() != save_purpose::hand_over) return; // clients are of this process
  auto all = state.initConnections(static_cast<unsigned>(clients_.size()));
  unsigned i = 0;
  for (const auto& [id, c] : clients_) {
    auto to = all[i++];
    to.setConnection(id);
    to.setInput(data_of(c.input));
    to.setIdleNs(-left_until(c.heard));
    if (!c.file) continue;
    auto upload = to.initUpload();
    upload.setJob(c.job);
    upload.setFile(c.file->id());
    upload.setLeft(c.left);
  }
  auto waiting = state.initWaiting(static_cast<unsigned>(waiting_.size()));
  for (i = 0; i < waiting.size(); ++i) waiting.set(i, waiting_[i]->id());
}

void control::restore(context& ctx, state_reader& from) {
  const auto state = from.root<ControlState>();
  jobs_ = state.getJobs();
  auto& all = ctx.host<descriptors>();
  const auto now = steady::now();
  for (const auto one : state.getConnections()) {
    client made;
    made.from = all.find(one.getConnection());
    if (!made.from) continue;
    made.input = octets_of(one.getInput());
    made.heard = now - (from_now(one.getIdleNs(), longest_silence) - steady::now());
    if (one.hasUpload()) {
      made.job = one.getUpload().getJob();
      made.file = all.find(one.getUpload().getFile());
      made.left = made.file ? one.getUpload().getLeft() : 0;
    }
    clients_.emplace(one.getConnection(), std::move(made));
  }
  for (const auto id : state.getWaiting())
    if (auto connection = all.find(id)) waiting_.push_back(std::move(connection));
}

} // namespace instar::inspect

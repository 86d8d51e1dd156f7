#include "lifecycle/policy_desk.hpp"

#include "actors/nearest.hpp"
#include "lifecycle/supervisor.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

namespace instar {

void policy_box::guard::show(policy_status now) {
  now.name = std::move(of_.shown_.name);
  of_.shown_ = std::move(now);
}

void policy_box::guard::set_paused(bool paused, std::string by) {
  of_.paused_ = paused;
  of_.by_ = std::move(by);
}

/// Whether it is paused is known before the policy has looked again.
policy_status policy_box::look() const {
  std::lock_guard lock(guard_);
  auto seen = shown_;
  if (seen.paused == paused_) return seen;
  seen.paused = paused_;
  seen.paused_by = paused_ ? by_ : std::string();
  seen.state = paused_ ? "paused by " + by_ : "it has just been resumed";
  return seen;
}

std::string policy_box::name() const {
  std::lock_guard lock(guard_);
  return shown_.name;
}

void policy_desk::attach(caf::actor admin, graph_reader read) {
  admin_ = std::move(admin);
  read_ = std::move(read);
}

std::shared_ptr<policy_box> policy_desk::open(std::string_view name) {
  auto made = std::make_shared<policy_box>();
  made->shown_.name = name;
  std::lock_guard lock(guard_);
  std::erase_if(boxes_, [](const auto& one) { return one.expired(); });
  made->id_ = ++last_id_;
  boxes_.push_back(made);
  return made;
}

std::vector<std::shared_ptr<policy_box>> policy_desk::boxes() const {
  std::vector<std::shared_ptr<policy_box>> all;
  std::lock_guard lock(guard_);
  for (const auto& one : boxes_)
    if (auto box = one.lock()) all.push_back(std::move(box));
  return all;
}

std::shared_ptr<policy_box> policy_desk::find(std::uint64_t id) const {
  for (auto& one : boxes())
    if (one->id() == id) return one;
  return nullptr;
}

void policy_desk::order(wanted_graph wanted, std::string who, std::string cause,
                        std::chrono::nanoseconds deadline,
                        std::function<void(history_entry)> done) const {
  auto order = std::make_shared<transition_order>();
  order->wanted = std::move(wanted);
  order->who = std::move(who);
  order->cause = std::move(cause);
  order->deadline = deadline;
  order->done = std::move(done);
  caf::anon_send(admin_, order_message{std::move(order)});
}

std::vector<policy_status> policy_desk::list() const {
  std::vector<policy_status> all;
  for (const auto& one : boxes()) all.push_back(one->look());
  std::sort(all.begin(), all.end(),
            [](const policy_status& a, const policy_status& b) { return a.name < b.name; });
  return all;
}

std::vector<policy_answer> policy_desk::pause(const std::vector<std::string>& names, bool paused,
                                              const std::string& who) {
  const auto all = boxes();
  std::vector<std::string> wanted = names, known;
  for (const auto& one : all) known.push_back(one->name());
  std::sort(known.begin(), known.end());
  if (wanted.empty()) wanted = known;
  std::vector<policy_answer> answers;
  for (const auto& name : wanted) {
    auto& answer = answers.emplace_back(policy_answer{name, {}});
    const auto box =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one->name() == name; });
    if (box == all.end())
      answer.refusal = "there is no policy '" + name + "'" + suggest(name, known);
    else if (policy_box::guard held(**box); held.paused() != paused) held.set_paused(paused, who);
  }
  return answers;
}

} // namespace instar

#include "actors/metrics.hpp"

#include <utility>

namespace instar {

metrics::~metrics() = default;

std::shared_ptr<own_metrics> metrics::make(std::vector<metric_description> what) {
  auto made = std::make_shared<own_metrics>(std::move(what));
  std::lock_guard lock(guard_);
  std::erase_if(made_, [](const auto& one) { return one.second.expired(); });
  made->id_ = ++last_id_;
  made_.emplace(made->id_, made);
  return made;
}

std::shared_ptr<own_metrics> metrics::find(std::uint64_t id) const {
  std::lock_guard lock(guard_);
  const auto found = made_.find(id);
  return found == made_.end() ? nullptr : found->second.lock();
}

metrics::shown metrics::show(std::string_view operator_name, std::shared_ptr<own_metrics> what) {
  auto made = std::make_shared<const entry>(entry{std::string(operator_name), std::move(what)});
  std::lock_guard lock(guard_);
  std::erase_if(shown_, [](const auto& one) { return one.expired(); });
  shown_.push_back(made);
  return made;
}

std::vector<operator_samples> metrics::own() const {
  // A predecessor that has yet to end shows the same ones: the newest name counts. Another
  // predecessor's, that were not taken over, are shown no more than its successor's.
  std::map<std::string, std::shared_ptr<own_metrics>> latest;
  {
    std::lock_guard lock(guard_);
    std::map<const own_metrics*, std::string> name_of;
    for (const auto& one : shown_) {
      const auto is = one.lock();
      if (!is) continue;
      if (const auto before = name_of.find(is->what.get()); before != name_of.end())
        if (const auto at = latest.find(before->second);
            at != latest.end() && at->second == is->what)
          latest.erase(at);
      name_of[is->what.get()] = is->name;
      latest.insert_or_assign(is->name, is->what);
    }
  }
  std::vector<operator_samples> made;
  made.reserve(latest.size());
  for (const auto& [name, what] : latest) made.push_back({name, what->samples()});
  return made;
}

} // namespace instar

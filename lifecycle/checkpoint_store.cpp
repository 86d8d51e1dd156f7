#include "lifecycle/checkpoint_store.hpp"

#include "actors/blocking_pool.hpp"
#include "lifecycle/checkpoint_contents.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace instar {

result<std::shared_ptr<checkpoint_store>>
checkpoint_store::claim(const std::filesystem::path& folder, checkpoint_disk* disk) {
  auto made = std::make_shared<checkpoint_store>();
  auto claimed =
      checkpoint_folder::claim(std::filesystem::absolute(folder), disk ? *disk : made->own_disk_);
  if (!claimed) return claimed.error();
  made->folder_ = *std::move(claimed);
  return made;
}

checkpoint_job::checkpoint_job(std::shared_ptr<checkpoint_store> into, blocking_pool& pool,
                               setup what, std::function<void(result<checkpoint_info>)> done)
    : store_(std::move(into)), pool_(pool), what_(std::move(what)), done_(std::move(done)) {}

checkpoint_job::~checkpoint_job() = default;

void checkpoint_job::begin() {
  {
    std::lock_guard lock(guard_);
    working_ = true;
  }
  wake();
}

void checkpoint_job::part(const std::string& name, state content, std::function<void()> taken) {
  push({section_kind::part, name, std::move(content), {}, std::move(taken)});
}

void checkpoint_job::cut(const std::string& name, state saved, std::vector<saved_timer> timers) {
  push({section_kind::state, name, std::move(saved), std::move(timers), {}});
}

void checkpoint_job::push(item one) {
  {
    std::lock_guard lock(guard_);
    if (cancelled_) return;
    waiting_.push_back(std::move(one));
    if (std::exchange(working_, true)) return;
  }
  wake();
}

void checkpoint_job::cancel() {
  {
    std::lock_guard lock(guard_);
    cancelled_ = true;
    waiting_.clear();
    if (std::exchange(working_, true)) return;
  }
  wake();
}

void checkpoint_job::wake() {
  pool_.run([self = shared_from_this()] { self->work(); });
}

/// Until nothing is left to do. Only one thread is here at a time.
void checkpoint_job::work() {
  for (;;) {
    std::deque<item> some;
    bool cancelled = false;
    {
      std::lock_guard lock(guard_);
      some.swap(waiting_);
      cancelled = cancelled_;
      const bool idle = cancelled ? over_ && !written_ : over_ || (writer_ && some.empty());
      if (idle) {
        working_ = false;
        return;
      }
    }
    if (cancelled) withdraw();
    else advance(some);
  }
}

void checkpoint_job::advance(std::deque<item>& some) {
  result<void> good;
  if (!writer_) good = open();
  for (auto& one : some)
    if (good) good = write(one);
  if (good && !what_.operators.empty()) return;
  over_ = true;
  auto outcome = good ? finish() : result<checkpoint_info>(good.error());
  writer_.reset(); // without a commit its file goes
  std::lock_guard lock(guard_);
  const auto done = std::exchange(done_, nullptr);
  if (!cancelled_) done(std::move(outcome));
}

result<void> checkpoint_job::open() {
  {
    std::lock_guard lock(store_->guard_);
    auto begun = store_->folder_->begin(what_.epoch);
    if (!begun) return begun.error();
    writer_.emplace(*std::move(begun));
  }
  if (auto done = writer_->add(section_kind::graph, {}, encode_graph(what_.content)); !done)
    return done;
  std::set<std::string> written;
  for (const auto& [name, type] : what_.types) {
    const auto bytes = type.schemas.bytes();
    if (bytes.empty() || (type.state_schema == 0 && type.part_schema == 0)) continue;
    if (!written.insert(type.reference()).second) continue;
    if (auto done = writer_->add(section_kind::schemas, type.reference(), bytes); !done)
      return done;
  }
  return {};
}

result<void> checkpoint_job::write(item& one) {
  const auto bytes = std::exchange(one.content, {}).encode();
  if (auto done = writer_->add(one.kind, one.name, bytes); !done) return done;
  if (one.taken) one.taken();
  if (one.kind != section_kind::state) return {};
  what_.operators.erase(one.name);
  if (one.timers.empty()) return {};
  return writer_->add(section_kind::timers, one.name, encode_timers(one.timers));
}

result<checkpoint_info> checkpoint_job::finish() {
  std::lock_guard lock(store_->guard_);
  auto outcome = writer_->commit();
  if (!outcome) return outcome;
  written_ = *outcome;
  for (const auto& trouble : store_->folder_->retain(what_.keep))
    spdlog::warn("{}", trouble.message);
  return outcome;
}

void checkpoint_job::withdraw() {
  over_ = true;
  writer_.reset();
  if (!written_) return;
  std::lock_guard lock(store_->guard_);
  store_->folder_->remove(written_->file);
  written_.reset();
}

} // namespace instar

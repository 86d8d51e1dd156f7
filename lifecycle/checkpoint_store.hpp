#pragma once

#include "actors/checkpoint_sink.hpp"
#include "actors/graph.hpp"
#include "transfer/checkpoint_folder.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace instar {

class blocking_pool;

/// Where a service writes its checkpoints. Any thread.
class checkpoint_store {
public:
  /// Claims the folder for this process. A `disk` of a test outlives the store.
  static result<std::shared_ptr<checkpoint_store>> claim(const std::filesystem::path& folder,
                                                         checkpoint_disk* disk = nullptr);

  const std::filesystem::path& path() const { return folder_->path(); }

private:
  friend class checkpoint_job;
  checkpoint_disk own_disk_;
  std::mutex guard_; // one begins, or tidies up, at a time
  std::unique_ptr<checkpoint_folder> folder_;
};

/// A checkpoint that is being written: takes what operators have, on their threads, and writes it
/// on a thread of the pool, in the order in which it came.
class checkpoint_job final : public checkpoint_sink,
                             public std::enable_shared_from_this<checkpoint_job> {
public:
  struct setup {
    std::uint64_t epoch = 0;
    graph content;                   ///< as it was asked for
    operator_types types;            ///< those whose schemas are written
    std::set<std::string> operators; ///< whose cuts belong into it
    std::size_t keep = 3;            ///< so many of the newest checkpoints
  };
  /// `done` is called once, on a thread of the pool: when it is durable, or will not be any more.
  /// Never after `cancel`.
  checkpoint_job(std::shared_ptr<checkpoint_store> into, blocking_pool& pool, setup what,
                 std::function<void(result<checkpoint_info>)> done);
  ~checkpoint_job() override;

  void begin();
  void part(const std::string& name, state content, std::function<void()> taken) override;
  void cut(const std::string& name, state saved, std::vector<saved_timer> timers) override;
  /// It is not wanted any more: there will be no file, whatever has been written of it.
  void cancel();

private:
  struct item {
    section_kind kind{};
    std::string name;
    state content;
    std::vector<saved_timer> timers;
    std::function<void()> taken;
  };

  void push(item one);
  void wake();
  void work();
  void advance(std::deque<item>& some);
  result<void> open();
  result<void> write(item& one);
  result<checkpoint_info> finish();
  void withdraw();

  const std::shared_ptr<checkpoint_store> store_;
  blocking_pool& pool_;
  setup what_;
  std::function<void(result<checkpoint_info>)> done_;

  std::mutex guard_;
  std::deque<item> waiting_;
  bool working_ = false, cancelled_ = false;

  // Of the thread that works:
  std::optional<checkpoint_writer> writer_;
  bool over_ = false;
  std::optional<checkpoint_info> written_;
};

} // namespace instar

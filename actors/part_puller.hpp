#pragma once

#include "transfer/conversion.hpp"
#include "transfer/parted_state.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace instar {

class operator_base;

/// Keyed state that an instance had when it was replaced, and that its successor is still to get.
struct left_parts {
  std::shared_ptr<operator_base> owner; ///< runs no longer; with the code that it is of
  parted_state* parts = nullptr;
  state_header header; ///< of one part
};

/// Moves keyed state from an instance that runs no longer to its successor, bin by bin, while that
/// serves: what it asks for at once, the rest by itself (Hoffmann et al., "Megaphone:
/// Latency-conscious State Migration for Distributed Streaming Dataflows", VLDB 2019). A bin is in
/// one of the two at any time, so memory grows by a few bins only.
///
/// Bins that come by themselves are taken out and converted by `work()`, on any thread; everything
/// else happens on the successor's.
class part_puller final : public state_source {
public:
  /// Entries that `work` moves at a time.
  static constexpr std::size_t part_entries = 256;

  part_puller(left_parts from, conversion convert, parted_state& into);
  ~part_puller() override;
  part_puller(const part_puller&) = delete;
  part_puller& operator=(const part_puller&) = delete;

  void fetch(std::uint64_t from, std::uint64_t to) override;
  std::size_t left() const override;

  /// Takes the next part; for another thread, and one call at a time. May outlive this.
  std::function<void()> work() const;
  /// Puts in what `work` has taken. Returns whether there is more for it to do.
  bool advance();
  /// All at once: whoever is replaced next has to have everything.
  void finish() { fetch(parted_state::begin, parted_state::end); }

  std::uint64_t total() const { return total_; }
  /// Why a part could not be taken over: then it is lost.
  const std::optional<std::string>& failed() const { return failed_; }

private:
  struct shared;

  void put_in(const state& part, std::size_t entries);
  void put_in_ready();

  const std::shared_ptr<shared> shared_; // with `work`
  parted_state& into_;
  std::uint64_t total_;
  std::uint64_t arrived_ = parted_state::begin; // everything before this place is here
  std::optional<std::string> failed_;
};

} // namespace instar

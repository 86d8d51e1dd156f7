#pragma once

#include "lifecycle/footprint.hpp"
#include "lifecycle/order.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace instar {

/// Orders that wait for their turn, in the order they were asked for.
class order_queue {
public:
  using order_ptr = std::shared_ptr<transition_order>;

  struct entry {
    order_ptr order;
    std::optional<footprint> touches; ///< as far as it has been planned, in vain
    std::uint64_t as_of = 0;          ///< … for this generation of the running graph
  };

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  void push(order_ptr order) { waiting_.push_back({std::move(order), {}, 0}); }
  entry& at(std::size_t place) { return waiting_[place]; }
  order_ptr take(std::size_t place);

  /// Null if it does not wait.
  order_ptr find(std::uint64_t id) const;
  /// Takes an order out before its turn; null if it does not wait.
  order_ptr remove(std::uint64_t id);

  std::vector<std::uint64_t> ids() const;
  void describe(std::vector<transition_status>& into) const;
  void clear() { waiting_.clear(); }

private:
  std::deque<entry> waiting_;
};

} // namespace instar

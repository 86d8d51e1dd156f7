#pragma once

#include "lifecycle/order.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace instar {

/// Orders that wait for their turn, in the order they were asked for.
class order_queue {
public:
  using order_ptr = std::shared_ptr<transition_order>;

  bool empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  void push(order_ptr order) { waiting_.push_back(std::move(order)); }
  order_ptr pop();

  /// Null if it does not wait.
  order_ptr find(std::uint64_t id) const;
  /// Takes an order out before its turn; null if it does not wait.
  order_ptr remove(std::uint64_t id);

  std::vector<std::uint64_t> ids() const;
  void describe(std::vector<transition_status>& into) const;
  void clear() { waiting_.clear(); }

private:
  std::deque<order_ptr> waiting_;
};

} // namespace instar

#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/record.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

namespace instar::inspect {

/// Packets that had come at a cut and were not treated yet, before those that come now. Part of the
/// state.
class inbox {
public:
  using input = blocking_context::input;

  void keep(std::size_t port, packet p) { kept_.push_back({port, std::move(p)}); }

  input next(blocking_context& ctx) { return kept_.empty() ? ctx.receive() : pop(); }
  std::optional<input> next_until(blocking_context& ctx, std::chrono::steady_clock::time_point t) {
    return kept_.empty() ? ctx.receive_until(t) : pop();
  }

  unsigned count(std::size_t port) const {
    unsigned n = 0;
    for (const auto& one : kept_) n += one.port == port;
    return n;
  }
  template <class Each>
  void for_each(std::size_t port, Each each) const {
    for (const auto& one : kept_)
      if (one.port == port) each(one.what);
  }

  /// Writes the records of one port into a list of them.
  template <class Schema>
  void save(std::size_t port, typename capnp::List<Schema>::Builder into) const {
    unsigned i = 0;
    for_each(port, [&](const packet& p) {
      into.setWithCaveats(i++, p.as<record>().template read<Schema>());
    });
  }
  template <class Schema>
  void restore(std::size_t port, typename capnp::List<Schema>::Reader from) {
    for (const auto one : from) {
      auto made = make_payload<record>();
      made->template copy<Schema>(one);
      keep(port, {std::move(made), 0});
    }
  }

private:
  input pop() {
    auto first = std::move(kept_.front());
    kept_.pop_front();
    return first;
  }

  std::deque<input> kept_;
};

} // namespace instar::inspect

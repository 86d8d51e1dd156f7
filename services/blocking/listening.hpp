#pragma once

#include "actors/context.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "services/net/listener.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace instar::blocking {

/// The listening socket of a blocking operator, which goes on over the operator's versions.
///
/// Settings of the type: `address`, `port`, maybe `backlog`. Fields of its state: `listener`,
/// `leaving`. To another address it changes live: who waits at a former one is taken first.
class listening {
public:
  /// Throws `std::invalid_argument` if there is no such port.
  explicit listening(const settings& values) : where_(net::listen_options_of(values)) {}

  /// From the operator's `claim`: listens, unless it does. Throws `std::runtime_error` naming
  /// address, cause and remedy.
  void claim(context& ctx);
  /// From `run`: who waits at former addresses goes to `take`, by descriptor, and those are closed.
  void take_leaving(const std::function<void(int)>& take);
  /// Does not block.
  int fd() const { return at_->fd(); }

  template <class Builder>
  void save(Builder into) const {
    into.setListener(at_ ? at_->id() : 0);
    auto list = into.initLeaving(static_cast<unsigned>(leaving_.size()));
    for (unsigned i = 0; i < leaving_.size(); ++i) list.set(i, leaving_[i]->id());
  }
  template <class Reader>
  void restore(descriptors& all, Reader from) {
    for (const auto id : from.getLeaving()) go_on_with(all.find(id));
    go_on_with(all.find(from.getListener()));
  }

private:
  void go_on_with(std::shared_ptr<descriptor> kept);

  const net::listen_options where_;
  std::shared_ptr<descriptor> at_;
  std::vector<std::shared_ptr<descriptor>> leaving_; // of former addresses
};

/// Errors of `accept` that say nothing of the next connection.
bool is_of_the_peer(int error);

} // namespace instar::blocking

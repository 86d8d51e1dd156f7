#pragma once

#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "services/net/listener.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace instar::blocking {

/// The listening socket of a blocking operator, which goes on over the operator's versions.
///
/// Settings of the type: `address`, `port`. To another address it changes live: who waits at the
/// former one is taken first (`former`).
class listening {
public:
  explicit listening(const settings& values);

  /// Listens, unless it does. Throws `std::runtime_error` naming address, cause and remedy.
  void open(descriptors& all);
  /// From `restore`: goes on with the predecessor's socket if that is where it should be.
  void restore(descriptors& all, std::uint64_t id);

  /// How state names it; 0 = it does not listen yet.
  std::uint64_t id() const { return at_ ? at_->id() : 0; }
  int fd() const { return at_->fd(); }

  /// Gives whoever waits where it listened before to `take`, by descriptor, and closes that.
  void former(const std::function<void(int)>& take);

private:
  net::listen_options where_;
  std::shared_ptr<descriptor> at_, former_;
};

} // namespace instar::blocking

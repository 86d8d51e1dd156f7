#pragma once

#include "actors/payload.hpp"

#include <cassert>
#include <cstdint>

namespace instar {

/// Number of a graph version. Grows with every transition, never reused.
using epoch_t = std::uint64_t;

/// What flows on arcs: a typed payload and a key. Packets with the same key that take the same
/// path keep their order.
struct packet {
  payload_ptr<payload> body;
  std::uint64_t key = 0;

  /// The payload as `T`. Graph check has made sure that the arc carries it.
  template <class T>
  T& as() const noexcept {
    assert(dynamic_cast<T*>(body.get()) != nullptr);
    return static_cast<T&>(*body);
  }

  /// Moves the payload out as `T`.
  template <class T>
  payload_ptr<T> take() noexcept {
    assert(dynamic_cast<T*>(body.get()) != nullptr);
    return payload_ptr<T>::adopt(static_cast<T*>(body.detach()));
  }
};

} // namespace instar

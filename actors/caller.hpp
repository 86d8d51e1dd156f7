#pragma once

#include "actors/call_port.hpp"

#include <chrono>
#include <memory>
#include <utility>

namespace instar {

/// One thread's way to call what serves at a port. `Interface` is a host-owned class: what serves
/// may be of any module.
///
/// For one thread at a time; holding one costs nothing.
template <class Interface>
class caller {
public:
  explicit caller(std::shared_ptr<call_port> at) : port_(std::move(at)), slot_(&port_->join()) {}
  ~caller() {
    if (port_) port_->leave(*slot_);
  }
  caller(caller&& other) noexcept : port_(std::move(other.port_)), slot_(other.slot_) {}
  caller(const caller&) = delete;
  caller& operator=(const caller&) = delete;
  caller& operator=(caller&&) = delete;

  /// See `call_port::await`.
  bool await(std::chrono::nanoseconds patience) const { return port_->await(patience); }

  /// Calls `what(object, slot)`, and returns whether anybody serves. Waits while that is being
  /// exchanged. The object must not be used after `what` has returned.
  template <class Call>
  bool call(Call&& what) {
    void* const object = port_->enter(*slot_);
    if (!object) [[unlikely]]
      return false;
    const inside until_it_ends{*port_, *slot_};
    what(*static_cast<Interface*>(object), *slot_);
    return true;
  }

private:
  struct inside {
    call_port& port;
    call_slot& slot;
    ~inside() { port.exit(slot); }
  };

  std::shared_ptr<call_port> port_;
  call_slot* slot_;
};

} // namespace instar

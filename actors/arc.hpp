#pragma once

#include "actors/packet.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace instar {

/// The bounded FIFO from one output port to one input port.
///
/// A ring with one producer and one consumer: the actors that run the operators at its ends. Which
/// actor that is may change while the arc lives, at a cut and by message, so that the new owner of
/// an end sees everything that the old one did. What an arc holds therefore never moves when an
/// operator is replaced: packets behind the marker simply stay where they are until the commit or
/// the rollback decides who takes them.
///
/// Credit: a packet is taken only while fewer than `capacity` are held. Markers need no credit.
/// Neither side blocks, locks or allocates.
class arc {
public:
  /// Markers that fit beyond the credit. More are outstanding only when that many transitions
  /// were rolled back while the consumer took nothing.
  static constexpr std::size_t marker_room = 64;

  arc(std::string name, std::size_t capacity);
  ~arc();
  arc(const arc&) = delete;
  arc& operator=(const arc&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::size_t capacity() const noexcept { return capacity_; }
  /// Packets and markers held; any thread, a moment's value.
  std::size_t queued() const noexcept;

  // -- producer's end ---------------------------------------------------------------------------

  /// Stages a packet for the next `publish`. Without credit returns false and leaves `p` as it is.
  bool push(packet& p) noexcept {
    if (producer_.tail - producer_.head_seen >= capacity_ && !refresh_credit()) return false;
    slot& s = slots_[producer_.tail++ & mask_];
    s.body = p.body.detach();
    s.key = p.key;
    return true;
  }

  /// Stages a marker. False only when `marker_room` is used up.
  bool push_marker(epoch_t epoch) noexcept;

  /// Shows what was staged to the consumer. Returns whether there was anything; after a full fence
  /// the caller then rings the consumer's doorbell.
  bool publish() noexcept {
    if (producer_.tail == producer_.published) return false;
    producer_.published = producer_.tail;
    tail_.store(producer_.tail, std::memory_order_release);
    return true;
  }

  /// Asks to be rung when there is credit again. Returns true if there is some already: then
  /// nobody will ring.
  bool await_credit() noexcept;

  // -- consumer's end ---------------------------------------------------------------------------

  /// Whether something can be taken, packet or marker.
  bool readable() noexcept {
    if (consumer_.head != consumer_.tail_seen) return true;
    consumer_.tail_seen = tail_.load(std::memory_order_acquire);
    return consumer_.head != consumer_.tail_seen;
  }

  /// Whether the first element is a marker. Only if `readable`.
  bool at_marker() const noexcept { return slots_[consumer_.head & mask_].body == marker_tag(); }

  /// Takes the packet in front. Only if `readable` and not `at_marker`.
  packet pop() noexcept {
    slot& s = slots_[consumer_.head++ & mask_];
    return packet{payload_ptr<payload>::adopt(s.body), s.key};
  }

  /// Takes the marker in front. Only if `at_marker`.
  epoch_t pop_marker() noexcept { return slots_[consumer_.head++ & mask_].key; }

  /// Gives the credit of what was taken back to the producer. Returns whether there was any; after
  /// a full fence the caller then asks `producer_waits`.
  bool release() noexcept {
    if (consumer_.head == consumer_.released) return false;
    consumer_.released = consumer_.head;
    head_.store(consumer_.head, std::memory_order_release);
    return true;
  }

  /// Whether the producer is to be rung: it waits for credit, and there is enough of it.
  bool producer_waits() noexcept {
    return starved_.load(std::memory_order_relaxed) && take_starved();
  }

private:
  struct slot {
    payload* body; // `marker_tag()` for a marker, whose epoch is in `key`
    std::uint64_t key;
  };
  static payload* marker_tag() noexcept { return reinterpret_cast<payload*>(std::uintptr_t{1}); }
  bool refresh_credit() noexcept;
  bool take_starved() noexcept;

  // Each end's own fields and each shared index lie in a cache line of their own.
  struct alignas(64) producer_end {
    std::uint64_t tail = 0;      // staged up to here
    std::uint64_t published = 0; // shown up to here
    std::uint64_t head_seen = 0;
  } producer_;
  struct alignas(64) consumer_end {
    std::uint64_t head = 0;
    std::uint64_t tail_seen = 0;
    std::uint64_t released = 0;
  } consumer_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<bool> starved_{false};

  const std::size_t capacity_;
  const std::size_t mask_;
  const std::unique_ptr<slot[]> slots_;
  const std::string name_;
};

} // namespace instar

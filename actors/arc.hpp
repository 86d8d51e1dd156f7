#pragma once

#include "actors/packet.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace instar {

/// The bounded FIFO from one output port to one input port.
///
/// A ring with one producer and one consumer: the actors that run the operators at its ends. Which
/// actor that is may change while the arc lives, at a cut and by message, so that the new owner of
/// an end sees everything that the old one did. What an arc holds therefore never moves when an
/// operator is replaced: packets behind the marker simply stay where they are until the commit or
/// the rollback decides who takes them.
///
/// Credit: the ring takes a packet only while fewer than `capacity` are held; markers need no
/// credit. What is emitted beyond it waits, in order, in an overflow at the producer's end, which
/// like the ring belongs to the place. Neither side blocks or locks, and without overflow nobody
/// allocates.
///
/// A *feedback* arc closes a cycle: its producer does not wait for credit, its consumer takes from
/// it first, and it carries no markers (see README.md).
class arc {
public:
  /// Markers that fit beyond the credit. More are outstanding only when that many transitions
  /// were rolled back while the consumer took nothing.
  static constexpr std::size_t marker_room = 64;

  arc(std::string name, std::size_t capacity, bool feedback = false);
  ~arc();
  arc(const arc&) = delete;
  arc& operator=(const arc&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool feedback() const noexcept { return feedback_; }
  /// Packets and markers held, with the overflow; any thread, a moment's value.
  std::size_t queued() const noexcept;
  /// How many elements it has ever held, if it is empty now; else nothing. Any thread. An arc that
  /// answers the same twice was empty all the time between. One along which answers are awaited is
  /// not empty.
  std::optional<std::uint64_t> empty_after() const noexcept;

  /// Whether packets wait in the overflow, and will get on without anybody's cut or commit. Any
  /// thread.
  bool presses() const noexcept {
    return overflow_shown_.load(std::memory_order_acquire) > 0 &&
           standing_.load(std::memory_order_acquire) == 0;
  }
  /// An operator on its cycles holds packets back from now on, until `go_on`. Any thread.
  void stand() noexcept { standing_.fetch_add(1, std::memory_order_acq_rel); }
  void go_on() noexcept { standing_.fetch_sub(1, std::memory_order_acq_rel); }

  /// Consumer: so many answers to its requests are still to come along this arc. Told after what
  /// the operator has made of those that came was published, before they are released.
  void await(std::uint64_t answers) noexcept { awaited_.store(answers, std::memory_order_release); }
  /// Any thread, a moment's value.
  std::uint64_t awaited() const noexcept {
    const auto answers = awaited_.load(std::memory_order_acquire);
    return answers == brings_none ? 0 : answers;
  }
  /// Whether it brings answers to requests of its consumer's. Any thread.
  bool brings_answers() const noexcept {
    return awaited_.load(std::memory_order_acquire) != brings_none;
  }

  // -- producer's end ---------------------------------------------------------------------------

  /// Stages a packet for the next `publish`, or keeps it in the overflow. Returns whether it was
  /// within the credit.
  bool push(packet&& p) {
    // With an overflow there is no credit left in sight: see `head_seen`.
    if (producer_.tail - producer_.head_seen >= capacity_) return push_beyond(std::move(p));
    stage(std::move(p));
    return true;
  }

  /// Stages what is in the overflow, as far as there is credit. Returns whether it is empty now.
  bool retry() noexcept;
  bool overflows() const noexcept { return !overflow_.empty(); }
  /// How many elements were ever pushed.
  std::uint64_t pushed() const noexcept { return producer_.tail + overflow_.size(); }

  /// Stages a marker. Only without overflow. False only when `marker_room` is used up.
  bool push_marker(epoch_t epoch) noexcept;

  /// Shows what was staged to the consumer. Returns whether there was anything; after a full fence
  /// the caller then rings the consumer's doorbell.
  bool publish() noexcept {
    if (producer_.tail == producer_.published) return false;
    producer_.published = producer_.tail;
    tail_.store(producer_.tail, std::memory_order_release);
    // Only now: a packet must not be out of sight while it moves from the overflow to the ring.
    if (producer_.overflow_moved) show_overflow();
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

  /// Whether nothing is on its way: neither readable nor in the overflow.
  bool exhausted() noexcept {
    return overflow_shown_.load(std::memory_order_acquire) == 0 && !readable();
  }

  /// Whether the first element is a marker. Only if `readable`.
  bool at_marker() const noexcept { return slots_[consumer_.head & mask_].body == marker_tag(); }

  /// Whether a marker has come, behind what packets ever.
  bool marker_in_sight() noexcept;

  /// The key of the packet in front. Only if `readable` and not `at_marker`.
  std::uint64_t key_in_front() const noexcept { return slots_[consumer_.head & mask_].key; }

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
  void stage(packet&& p) noexcept {
    slot& s = slots_[producer_.tail++ & mask_];
    s.body = p.body.detach();
    s.key = p.key;
  }
  bool push_beyond(packet&& p);
  void show_overflow() noexcept;
  bool refresh_credit() noexcept;
  bool take_starved() noexcept;

  // Each end's own fields and each shared index lie in a cache line of their own.
  struct alignas(64) producer_end {
    std::uint64_t tail = 0;      // staged up to here
    std::uint64_t published = 0; // shown up to here
    std::uint64_t head_seen = 0; // while there is an overflow, `capacity` or more before the tail
    bool overflow_moved = false; // since it was last shown
  } producer_;
  struct alignas(64) consumer_end {
    std::uint64_t head = 0;
    std::uint64_t tail_seen = 0;
    std::uint64_t released = 0;
    std::uint64_t searched = 0; // before it no marker, if the head is
  } consumer_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  std::atomic<std::size_t> overflow_shown_{0}; // never less than what is in the overflow
  alignas(64) std::atomic<std::uint64_t> head_{0};
  alignas(64) std::atomic<bool> starved_{false};
  std::atomic<int> standing_{0}; // operators that hold packets back
  static constexpr std::uint64_t brings_none = ~std::uint64_t{0}; // other packets
  std::atomic<std::uint64_t> awaited_{brings_none};

  const std::size_t capacity_;
  const bool feedback_;
  const std::size_t mask_;
  const std::unique_ptr<slot[]> slots_;
  const std::string name_;
  std::deque<packet> overflow_; // the producer's; oldest first
};

} // namespace instar

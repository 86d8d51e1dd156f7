#pragma once

#include "actors/payload.hpp"

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace instar::net {

/// Keeps host-owned objects by number, so that saved state can name what is too large, or not
/// possible, to write into it: an open file, a body of megabytes.
///
/// What is kept stays until its ticket goes. The saving operator holds the ticket, the restoring
/// one takes a reference of its own before that. Any thread.
class shelf {
public:
  class ticket {
  public:
    ticket() noexcept = default;
    ticket(ticket&& other) noexcept;
    ticket& operator=(ticket&& other) noexcept;
    ~ticket();

    std::uint64_t id() const noexcept { return id_; }

  private:
    friend class shelf;
    ticket(shelf* of, std::uint64_t id) noexcept : of_(of), id_(id) {}

    shelf* of_ = nullptr;
    std::uint64_t id_ = 0;
  };

  /// The shelf has to outlive the ticket.
  ticket put(payload_ptr<payload> object);
  /// Null if nothing of that number is kept.
  payload_ptr<payload> get(std::uint64_t id) const;
  std::size_t size() const;

private:
  void remove(std::uint64_t id);

  mutable std::mutex guard_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, payload_ptr<payload>> kept_;
};

} // namespace instar::net

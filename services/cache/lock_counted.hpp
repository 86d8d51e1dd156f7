#pragma once

#include "services/cache/object.hpp"

#include <mutex>

namespace instar::file_cache {

/// Locks, and counts for the caller whether another one had it.
inline std::unique_lock<std::mutex> lock_counted(std::mutex& guard, call_slot& by) {
  std::unique_lock lock(guard, std::try_to_lock);
  if (lock.owns_lock()) return lock;
  by.count(object::contended);
  lock.lock();
  return lock;
}

} // namespace instar::file_cache

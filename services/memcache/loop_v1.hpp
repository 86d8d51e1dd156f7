#pragma once

#include "services/memcache/loop.hpp"

#include <capnp/schema.h>

namespace instar::memcache {

/// The commands of memcached 1.4.
class loop_v1 final : public loop {
public:
  static constexpr operator_type type{
      .name = "memcache.loop",
      .version = 1,
      .help = "serves clients with the commands of memcached 1.4",
      .inputs = {in},
      .state_schema = capnp::typeId<LoopState>(),
      .state_version = 1,
      .settings = {cache_setting, most_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit loop_v1(const settings& values) : loop(values, {"1.4.39", false}) {}
};

} // namespace instar::memcache

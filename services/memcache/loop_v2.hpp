#pragma once

#include "services/memcache/loop.hpp"

#include <capnp/schema.h>

namespace instar::memcache {

/// And those that came with 1.5.3: `gat` and `gats`.
class loop_v2 final : public loop {
public:
  static constexpr operator_type type{
      .name = "memcache.loop",
      .version = 2,
      .help = "serves clients with the commands of memcached 1.5: also gat, gats",
      .inputs = {in},
      .state_schema = capnp::typeId<LoopState>(),
      .state_version = 1,
      .settings = {cache_setting, most_setting, blocking::interruptible_setting},
      .mergeable = true};

  explicit loop_v2(const settings& values) : loop(values, {"1.5.3", true}) {}
};

} // namespace instar::memcache

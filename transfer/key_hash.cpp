#include "transfer/key_hash.hpp"

#include <random>

namespace instar {

const std::uint64_t hash_seed = [] {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}();

} // namespace instar

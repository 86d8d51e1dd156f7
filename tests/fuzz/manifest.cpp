// Modules as files: nothing of them is believed before it has been looked at.
#include "lifecycle/manifest.hpp"
#include "tests/fuzz/input.hpp"

using namespace instar;
using namespace instar::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  const auto read = read_manifest(all.rest(), "m.so");
  if (!read) require_one_line(read.error().message);
  return 0;
}

#pragma once

#include "random_case.hpp"

namespace instar::test {

/// The case of a seed: the same today and tomorrow, as long as this file is the same.
random_case make_case(std::uint64_t seed);

} // namespace instar::test

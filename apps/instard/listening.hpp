#pragma once

#include <string>
#include <vector>

namespace instar::instard {

/// The TCP addresses that this process listens on, as `ADDRESS:PORT`, whoever opened them.
std::vector<std::string> listening_addresses();

} // namespace instar::instard

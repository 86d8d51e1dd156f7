#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instar::bench {

/// What is done `rounds` times, for valgrind to count its instructions: those of a run with more
/// rounds less those of a run with fewer are that of so many rounds.
///
/// operators, actors: packets through six operators of a service, six plain CAF actors; one worker.
/// Nothing is sent but these, and in a multiple of 11 rounds exactly so many.
/// handle, direct: additions by a handle, and to the same object without one.
/// swap: exchanges of an idle counter by a service, from the order to its outcome. Prints how long
/// each took, too.
/// exchange: the part of that at the call port: close, hand over, open.
/// mediated: calls that come while the port is closed (`mediated_call` is to be looked at alone).
void do_idle(std::string_view what, const std::string& modules, std::uint64_t rounds);

/// One call through a handle, as a function of its own.
bool mediated_call(void* handle);

} // namespace instar::bench

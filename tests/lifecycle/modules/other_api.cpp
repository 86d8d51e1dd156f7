// What a module of a later API version looks like from outside; its code must never be asked.
#include <cstdlib>

[[gnu::section(".instar.manifest"), gnu::used]] static constexpr char manifest[] =
    "{\"module\":\"future\",\"api\":999,\"build\":\"unknown\",\"operators\":[]}";

namespace {
struct trap {
  trap() { std::abort(); }
} sprung;
} // namespace

#include "odd_ones.hpp"

// A manifest, and nobody to ask for the operators it promises.
[[gnu::section(".instar.manifest"), gnu::used]] static constexpr auto manifest =
    instar::detail::manifest_text<"no_entry", odd::plain>();

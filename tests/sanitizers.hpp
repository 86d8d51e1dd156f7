#pragma once

namespace instar::test {

/// Whether this is built with AddressSanitizer: everything takes longer, and its allocator keeps
/// freed memory for a while.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool address_sanitizer = true;
#elif defined(__has_feature)
inline constexpr bool address_sanitizer = __has_feature(address_sanitizer);
#else
inline constexpr bool address_sanitizer = false;
#endif

} // namespace instar::test

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string_view>

namespace instar::fuzz {

/// What the fuzzer made, to be taken from piece by piece; empty pieces after its end.
class input {
public:
  input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  std::span<const std::byte> bytes(std::size_t most) {
    const auto taken = left_.first(most < left_.size() ? most : left_.size());
    left_ = left_.subspan(taken.size());
    return std::as_bytes(taken);
  }
  std::span<const std::byte> rest() { return bytes(left_.size()); }
  std::string_view text(std::size_t most) {
    const auto b = bytes(most);
    return {reinterpret_cast<const char*>(b.data()), b.size()};
  }
  std::uint8_t number() {
    const auto b = bytes(1);
    return b.empty() ? 0 : static_cast<std::uint8_t>(b[0]);
  }
  bool empty() const { return left_.empty(); }

private:
  std::span<const std::uint8_t> left_;
};

/// Ends the run with a finding.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << "\n";
  std::abort();
}

/// What every refusal promises.
inline void require_one_line(std::string_view message) {
  require(!message.empty() && message.find('\n') == message.npos, "a refusal is one line");
}

} // namespace instar::fuzz

#pragma once

#include "actors/payload.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace instar {

/// A payload of plain bytes, fixed when it is made. For what needs no schema: a line, a chunk of a
/// file. Host-owned, so any module may make and read it.
class bytes final : public payload {
public:
  static constexpr std::string_view payload_name = "bytes";

  explicit bytes(std::string content) : content_(std::move(content)) {}
  ~bytes() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  std::span<const std::byte> view() const noexcept {
    return std::as_bytes(std::span(content_.data(), content_.size()));
  }
  std::string_view text() const noexcept { return content_; }

private:
  const std::string content_;
};

} // namespace instar

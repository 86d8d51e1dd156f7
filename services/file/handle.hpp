#pragma once

#include "actors/payload.hpp"

#include <string_view>

namespace instar::file {

/// An open file; closed when the last reference to it goes.
class handle final : public payload {
public:
  static constexpr std::string_view payload_name = "file.handle";

  explicit handle(int fd) noexcept : fd_(fd) {}
  ~handle() override;

  std::string_view type_name() const noexcept override { return payload_name; }
  int fd() const noexcept { return fd_; }

private:
  const int fd_;
};

} // namespace instar::file

#pragma once

#include "actors/descriptor.hpp"
#include "actors/payload.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace instar {

/// An open descriptor on its way to another operator, for example a connection that was accepted.
class descriptor_packet final : public payload {
public:
  static constexpr std::string_view payload_name = "instar.descriptor";

  explicit descriptor_packet(std::shared_ptr<descriptor> what) : what_(std::move(what)) {}
  ~descriptor_packet() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  const std::shared_ptr<descriptor>& what() const noexcept { return what_; }
  int fd() const noexcept { return what_->fd(); }

private:
  const std::shared_ptr<descriptor> what_;
};

} // namespace instar

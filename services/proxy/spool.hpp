#pragma once

#include "services/http/response.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace instar::proxy {

/// A body that is being received: the first bytes in memory, and from a limit on all of it in a
/// file without a name, so that a large body, or many, need no memory. Host-owned, so that it goes
/// to a successor as it is.
///
/// Used by one operator at a time.
class spool final : public payload {
public:
  static constexpr std::string_view payload_name = "proxy.spool";

  /// At most so much stays in memory; the file is made in `folder`.
  spool(std::size_t most_in_memory, std::filesystem::path folder)
      : most_in_memory_(most_in_memory), folder_(std::move(folder)) {}
  ~spool() override;

  std::string_view type_name() const noexcept override { return payload_name; }

  /// Returns an error number, or 0.
  int add(std::string_view piece);
  /// Makes room for so much, if that is to stay in memory.
  void expect(std::uint64_t size);
  std::uint64_t size() const noexcept { return size_; }
  /// All that was added; it is empty afterwards.
  http::body take();

private:
  int begin_file();

  const std::size_t most_in_memory_;
  const std::filesystem::path folder_;
  std::string memory_;
  payload_ptr<file::handle> file_;
  std::uint64_t size_ = 0;
};

} // namespace instar::proxy

#pragma once

#include "actors/descriptor.hpp"
#include "actors/descriptor_packet.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace instar {

/// Open descriptors by a number that can be saved, so that a successor goes on with those of its
/// predecessor: a resource of every service (`host<descriptors>`). Any thread.
///
/// It keeps none open: whoever needs one has the reference. Between `save` and `restore` that is
/// the predecessor, until its successor runs.
class descriptors {
public:
  static constexpr std::string_view resource_name = "instar.descriptors";

  descriptors();
  ~descriptors();
  descriptors(const descriptors&) = delete;
  descriptors& operator=(const descriptors&) = delete;

  /// Takes the descriptor over. It stays open as long as somebody has what is returned.
  std::shared_ptr<descriptor> hold(int fd);
  /// By its id; null if nobody has it any more, or it is another process's that wrote the
  /// checkpoint: open it anew.
  std::shared_ptr<descriptor> find(std::uint64_t id) const;
  /// How many are held.
  std::size_t size() const;

private:
  std::shared_ptr<descriptor::table> table_;
};

} // namespace instar

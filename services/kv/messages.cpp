#include "services/kv/batch.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>

namespace instar::kv {

batch::~batch() = default;

payload_ptr<batch> batch::make(net::open_request from, payload_ptr<payload> bytes,
                               batch_place place, std::uint64_t scan_end,
                               std::span<const command_part> commands,
                               std::span<const std::string_view> args, std::string_view decoded) {
  static_assert(sizeof(batch) % alignof(std::string_view) == 0);
  static_assert(alignof(command_part) <= alignof(std::string_view));
  const auto room = args.size_bytes() + commands.size_bytes() + decoded.size();
  auto made = payload_ptr<batch>::adopt(
      new (room) batch(std::move(from), std::move(bytes), place, scan_end));
  auto* own_args = reinterpret_cast<std::string_view*>(made.get() + 1);
  auto* own_commands = reinterpret_cast<command_part*>(own_args + args.size());
  auto* own_decoded = reinterpret_cast<char*>(own_commands + commands.size());
  std::uninitialized_copy(args.begin(), args.end(), own_args);
  std::uninitialized_copy(commands.begin(), commands.end(), own_commands);
  if (!decoded.empty()) {
    std::memcpy(own_decoded, decoded.data(), decoded.size());
    const auto begin = decoded.data(), end = begin + decoded.size();
    for (auto* a = own_args; a != own_args + args.size(); ++a)
      if (!std::less<>()(a->data(), begin) && std::less<>()(a->data(), end))
        *a = {own_decoded + (a->data() - begin), a->size()};
  }
  made->args_ = own_args;
  made->commands_ = own_commands;
  made->count_ = commands.size();
  return made;
}

replies::~replies() {
  if (!inside()) std::free(text_);
}

payload_ptr<replies> replies::make(net::open_request from, batch_place place, std::size_t room) {
  return payload_ptr<replies>::adopt(new (room) replies(std::move(from), place, room));
}

void replies::grow(std::size_t bytes) {
  const auto capacity = std::max(size_ + bytes, capacity_ * 2);
  auto* grown = static_cast<char*>(std::realloc(inside() ? nullptr : text_, capacity));
  if (!grown) throw std::bad_alloc();
  if (inside()) std::memcpy(grown, text_, size_);
  text_ = grown;
  capacity_ = capacity;
}

} // namespace instar::kv

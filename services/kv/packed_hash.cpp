#include "services/kv/packed_hash.hpp"

#include <cstdint>
#include <cstring>

namespace instar::kv {

namespace {

struct head {
  std::uint16_t name, value;
};
constexpr std::size_t longest = 0xffff;

} // namespace

packed_hash::field packed_hash::field_at(std::size_t at) const {
  head sizes;
  std::memcpy(&sizes, packed_.data() + at, sizeof sizes);
  const auto name = at + sizeof sizes, value = name + sizes.name;
  return {at, value + sizes.value, std::string_view(packed_).substr(name, sizes.name),
          std::string_view(packed_).substr(value, sizes.value)};
}

std::optional<packed_hash::field> packed_hash::search(std::string_view name) const {
  for (std::size_t at = 0; at < packed_.size();) {
    const auto f = field_at(at);
    if (f.name == name) return f;
    at = f.end;
  }
  return std::nullopt;
}

std::optional<std::string_view> packed_hash::find(std::string_view name) const {
  if (map_) return map_->find(name);
  const auto found = search(name);
  return found ? std::optional(found->value) : std::nullopt;
}

bool packed_hash::set(std::string_view name, std::string_view value) {
  if (map_) return map_->set(name, value);
  const auto found = search(name);
  const auto size = sizeof(head) + name.size() + value.size();
  if (name.size() > longest || value.size() > longest ||
      packed_.size() + size > most_packed_bytes || (!found && count_ == most_packed)) {
    unpack();
    return map_->set(name, value);
  }
  if (found) packed_.erase(found->begin, found->end - found->begin);
  else ++count_;
  const head sizes{static_cast<std::uint16_t>(name.size()),
                   static_cast<std::uint16_t>(value.size())};
  packed_.append(reinterpret_cast<const char*>(&sizes), sizeof sizes);
  packed_.append(name);
  packed_.append(value);
  return !found;
}

bool packed_hash::erase(std::string_view name) {
  if (map_) return map_->erase(name);
  const auto found = search(name);
  if (!found) return false;
  packed_.erase(found->begin, found->end - found->begin);
  --count_;
  return true;
}

void packed_hash::unpack() {
  auto made = std::make_unique<text_hash<small_text>>();
  for_each([&](std::string_view name, std::string_view value) { made->set(name, value); });
  map_ = std::move(made);
  packed_ = {};
  count_ = 0;
}

} // namespace instar::kv

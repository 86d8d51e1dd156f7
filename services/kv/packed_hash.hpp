#pragma once

#include "services/kv/containers.hpp"
#include "services/kv/small_text.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace instar::kv {

/// Names with values, for version 5: as long as they are few, one piece of bytes that is searched
/// from its beginning; then a map.
class packed_hash {
public:
  static constexpr std::size_t most_packed = 32; ///< fields
  static constexpr std::size_t most_packed_bytes = 2048;

  std::size_t size() const { return map_ ? map_->size() : count_; }
  std::size_t bytes() const { return map_ ? map_->bytes() : packed_.size(); }
  std::optional<std::string_view> find(std::string_view name) const;
  bool set(std::string_view name, std::string_view value);
  bool erase(std::string_view name);

  template <class Each>
  void for_each(Each each) const {
    if (map_) return map_->for_each(each);
    for (std::size_t at = 0; at < packed_.size();) {
      const auto f = field_at(at);
      each(f.name, f.value);
      at = f.end;
    }
  }

private:
  struct field {
    std::size_t begin, end;
    std::string_view name, value;
  };
  field field_at(std::size_t at) const;
  std::optional<field> search(std::string_view name) const;
  void unpack();

  std::string packed_; // of each field: size of the name, of the value, name, value
  std::size_t count_ = 0;
  std::unique_ptr<text_hash<small_text>> map_; // instead of `packed_`
};

} // namespace instar::kv

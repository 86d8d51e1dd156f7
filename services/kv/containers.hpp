#pragma once

#include "transfer/tracked_map.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace instar::kv {

/// What one element costs besides its bytes, as far as limits and parts of state go.
inline constexpr std::size_t element_bytes = 16;

/// A list of texts, kept as `Text`. Knows how many bytes it has.
template <class Text>
class text_list {
public:
  std::size_t size() const { return texts_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::string_view operator[](std::size_t i) const { return texts_[i]; }
  std::string_view front() const { return texts_.front(); }
  std::string_view back() const { return texts_.back(); }
  void push_front(std::string_view text) {
    texts_.emplace_front(text);
    bytes_ += text.size() + element_bytes;
  }
  void push_back(std::string_view text) {
    texts_.emplace_back(text);
    bytes_ += text.size() + element_bytes;
  }
  void pop_front() {
    bytes_ -= front().size() + element_bytes;
    texts_.pop_front();
  }
  void pop_back() {
    bytes_ -= back().size() + element_bytes;
    texts_.pop_back();
  }

private:
  std::deque<Text> texts_;
  std::size_t bytes_ = 0;
};

/// Names with values. Knows how many bytes it has.
template <class Text>
class text_hash {
public:
  std::size_t size() const { return fields_.size(); }
  std::size_t bytes() const { return bytes_; }
  /// Until the next change.
  std::optional<std::string_view> find(std::string_view name) const {
    const auto* found = fields_.find(name);
    return found ? std::optional<std::string_view>(*found) : std::nullopt;
  }
  /// Returns whether it is a new one.
  bool set(std::string_view name, std::string_view value) {
    auto [at, fresh] = fields_.try_emplace(name);
    if (fresh) bytes_ += name.size() + 2 * element_bytes;
    else bytes_ -= std::string_view(at).size();
    at = Text(value);
    bytes_ += value.size();
    return fresh;
  }
  bool erase(std::string_view name) {
    const auto found = find(name);
    if (!found) return false;
    bytes_ -= found->size() + name.size() + 2 * element_bytes;
    return fields_.erase(name);
  }
  template <class Each>
  void for_each(Each each) const {
    fields_.for_each(
        [&](const auto& e) { each(std::string_view(e.key), std::string_view(e.value)); });
  }

private:
  tracked_map<Text, Text> fields_;
  std::size_t bytes_ = 0;
};

} // namespace instar::kv

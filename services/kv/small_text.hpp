#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace instar::kv {

/// A text in 16 bytes: up to 15 characters are in the object itself, longer ones in memory of their
/// own. Less than 4 GiB.
class small_text {
public:
  static constexpr std::size_t inside = 15;

  small_text() noexcept { tag_ = 0; }
  explicit small_text(std::string_view text) { make(text); }
  small_text(const small_text& other) : small_text(other.view()) {}
  small_text(small_text&& other) noexcept {
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    other.tag_ = 0;
  }
  small_text& operator=(small_text other) noexcept {
    swap(other);
    return *this;
  }
  ~small_text() {
    if (long_form()) std::free(far().at);
  }
  void swap(small_text& other) noexcept {
    char kept[sizeof *this];
    std::memcpy(kept, static_cast<void*>(this), sizeof *this);
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    std::memcpy(static_cast<void*>(&other), kept, sizeof *this);
  }

  std::string_view view() const noexcept {
    if (!long_form()) return {bytes_, tag_};
    const auto f = far();
    return {f.at, f.size};
  }
  operator std::string_view() const noexcept { return view(); }
  std::size_t size() const noexcept { return long_form() ? far().size : tag_; }

  void assign(std::string_view text) {
    if (long_form() && text.size() > inside && room(text.size()) == room(far().size)) {
      auto f = far();
      std::memmove(f.at, text.data(), text.size()); // it may be a part of this one
      f.size = static_cast<std::uint32_t>(text.size());
      put(f);
    } else {
      *this = small_text(text);
    }
  }
  /// `text` must not be a part of this one.
  void append(std::string_view text) {
    const auto before = view();
    const auto size = before.size() + text.size();
    if (size <= inside) {
      if (!text.empty()) std::memcpy(bytes_ + before.size(), text.data(), text.size());
      tag_ = static_cast<unsigned char>(size);
      return;
    }
    auto* at = long_form() ? far().at : nullptr;
    if (!at || room(before.size()) != room(size)) {
      auto* grown = static_cast<char*>(std::realloc(at, room(size)));
      if (!grown) throw std::bad_alloc();
      if (!at) std::memcpy(grown, before.data(), before.size());
      at = grown;
    }
    if (!text.empty()) std::memcpy(at + before.size(), text.data(), text.size());
    put({at, static_cast<std::uint32_t>(size)});
  }

  friend bool operator==(const small_text& a, const small_text& b) noexcept {
    return a.view() == b.view();
  }
  friend bool operator==(const small_text& a, std::string_view b) noexcept { return a.view() == b; }

private:
  struct elsewhere {
    char* at;
    std::uint32_t size;
  };
  static constexpr unsigned char long_tag = 0xff;

  /// Of the memory for so many bytes: follows from the size, so it need not be kept.
  static std::size_t room(std::size_t size) {
    const std::size_t step = size <= 128 ? 16 : std::size_t{1} << (60 - __builtin_clzll(size));
    return (size + step - 1) / step * step;
  }
  bool long_form() const noexcept { return tag_ == long_tag; }
  elsewhere far() const noexcept {
    elsewhere f;
    std::memcpy(&f.at, bytes_, sizeof f.at);
    std::memcpy(&f.size, bytes_ + sizeof f.at, sizeof f.size);
    return f;
  }
  void put(elsewhere f) noexcept {
    std::memcpy(bytes_, &f.at, sizeof f.at);
    std::memcpy(bytes_ + sizeof f.at, &f.size, sizeof f.size);
    tag_ = long_tag;
  }
  void make(std::string_view text) {
    tag_ = 0;
    if (text.size() <= inside) {
      if (!text.empty()) std::memcpy(bytes_, text.data(), text.size());
      tag_ = static_cast<unsigned char>(text.size());
      return;
    }
    auto* at = static_cast<char*>(std::malloc(room(text.size())));
    if (!at) throw std::bad_alloc();
    std::memcpy(at, text.data(), text.size());
    put({at, static_cast<std::uint32_t>(text.size())});
  }

  alignas(8) char bytes_[inside];
  unsigned char tag_; // the size, or `long_tag`
};
static_assert(sizeof(small_text) == 16);

} // namespace instar::kv

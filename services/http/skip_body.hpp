#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace instar::http {

/// Takes the body of a message from its bytes, of known length or in chunks, however these are cut.
/// Nothing of it is kept; where it is, is a handful of numbers that can go to a successor.
class body_skipper {
public:
  enum class progress {
    open,      ///< more is to come; all of the text was used up
    complete,  ///< the rest of the text is what follows the body
    malformed, ///< where the body ends cannot be told
    too_large, ///< more than was allowed
  };

  enum class phase : std::uint8_t {
    none, ///< no body is open
    counted,
    chunk_size,
    extension,
    size_end,
    chunk_data,
    data_return,
    data_end,
    trailer_begin,
    trailer,
    trailer_end,
    last_end,
  };

  /// All that it knows.
  struct position {
    body_skipper::phase phase = phase::none;
    std::uint8_t digits = 0;    ///< of the chunk size so far
    std::uint32_t overhead = 0; ///< bytes of extensions and trailers
    std::uint64_t left = 0;     ///< of the body, or of this chunk
    std::uint64_t allowed = 0;  ///< that further chunks may have
  };

  void begin_counted(std::uint64_t size);
  void begin_chunked(std::uint64_t most);
  bool open() const noexcept { return at_.phase != phase::none; }

  /// Takes away from the front of `text` what belongs to the body.
  progress skip(std::string_view& text) {
    return take(text, [](std::string_view) {});
  }
  /// The same; calls `use(piece)` with what of it is the body's content, in order.
  template <class Use>
  progress take(std::string_view& text, Use&& use) {
    while (open()) {
      if (text.empty()) return progress::open;
      if (const auto size = content(text.size()); size > 0) {
        use(text.substr(0, size));
        text.remove_prefix(size);
        continue;
      }
      if (!open()) break;
      const char c = text.front();
      text.remove_prefix(1);
      if (const auto done = step(c); done != progress::open) return done;
    }
    return progress::complete;
  }

  const position& where() const noexcept { return at_; }
  /// Returns false if there is no such position.
  bool resume(const position& at);

private:
  std::size_t content(std::size_t available);
  progress step(char c);
  progress size_step(char c);

  position at_;
};

} // namespace instar::http

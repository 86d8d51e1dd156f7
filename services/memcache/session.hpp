#pragma once

#include "services/memcache/table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace instar::memcache {

/// What a client may send, and what a version of the loops understands.
struct dialect {
  std::string_view version;   ///< what it answers to `version`
  bool get_and_touch = false; ///< `gat`, `gats`
};

/// One client of a table: carries out the commands of memcached's text protocol.
///
/// Its members are all that it knows, so a successor goes on from them: a command may arrive byte
/// by byte across any number of updates. What a client sends is bounded: a line, a value, and the
/// answers that it does not read, beyond which its commands wait.
class session {
public:
  static constexpr std::size_t longest_line = 64 * 1024;
  /// Beyond that nothing is carried out until the client has read.
  static constexpr std::size_t most_output = 256 * 1024;

  std::string input;         ///< has come and is not carried out
  std::string output;        ///< answers that are not sent
  std::uint64_t swallow = 0; ///< bytes still to come that belong to a value that was refused
  bool closing = false;      ///< once `output` is sent

  /// Carries out what has come as a whole, and may be carried out now.
  void run(table& on, const dialect& in);
  /// Whether more may be read now.
  bool takes_more() const { return !closing && output.size() < most_output; }

private:
  using words = std::span<const std::string_view>;
  /// Bytes behind the line that belong to the command; nothing if they are not here yet.
  using taken = std::optional<std::size_t>;

  taken execute(table& on, const dialect& in, std::string_view line, std::string_view rest);
  bool read(table& on, const dialect& in, words all, std::string_view line);
  taken store(table& on, words all, std::string_view rest);
  bool change(table& on, words all);
  bool administer(table& on, const dialect& in, words all);
  void erase(table& on, words all);
  void count_by(table& on, words all, bool down);
  void touch(table& on, words all);
  void get(table& on, words keys, std::string_view line, bool with_cas,
           const std::int64_t* expires);
  void statistics(table& on, const dialect& in, words all);
  void say(std::string_view answer);

  std::vector<std::string_view> words_; // of the command that is carried out
  std::string later_;                   // of a long `get`: what is asked once the client has read
  bool silent_ = false;                 // `noreply`
};

} // namespace instar::memcache

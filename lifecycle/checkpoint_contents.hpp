#pragma once

#include "actors/checkpoint_sink.hpp"
#include "actors/graph.hpp"
#include "transfer/checkpoint_file.hpp"
#include "transfer/state.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar {

/// What a checkpoint says: the graph that ran, and what its operators had at the cut.
///
/// Immutable; states stay in the file until they are asked for. Any thread.
class checkpoint_contents {
public:
  /// A file that is whole, but says what cannot be understood, is refused with one line.
  static result<std::shared_ptr<const checkpoint_contents>> read(checkpoint_file file);

  const checkpoint_info& info() const { return file_.info(); }
  const graph& content() const { return graph_; }
  /// Who wrote each operator's state, and in which schemas; without ports and settings.
  const operator_types& operators() const { return operators_; }

  result<state> state_of(std::string_view name) const;
  result<std::vector<saved_timer>> timers_of(std::string_view name) const;
  /// How many parts of keyed state there are of an operator.
  std::size_t parts_of(std::string_view name) const;
  result<state> part_of(std::string_view name, std::size_t number) const;

private:
  using section = checkpoint_file::section;
  struct places {
    const section* state = nullptr;
    const section* timers = nullptr;
    std::vector<const section*> parts;
  };

  explicit checkpoint_contents(checkpoint_file file) : file_(std::move(file)) {}
  failure refuse(const std::string& why) const;
  result<void> index();
  result<void> read_graph(const section& from);
  result<void> read_types();
  result<state> decode(const section& from) const;
  const places* find(std::string_view name) const;

  checkpoint_file file_;
  graph graph_;
  operator_types operators_;
  std::map<std::string, places, std::less<>> places_;
  std::map<std::string, const section*, std::less<>> schemas_; // by type reference
};

/// What a service is to begin with.
struct restore_request {
  std::shared_ptr<const checkpoint_contents> from;
  std::vector<std::string>
      drop; ///< operators whose state may be lost, as the checkpoint calls them
};

/// A graph as bytes for a checkpoint; `checkpoint_contents` reads them.
std::vector<std::byte> encode_graph(const graph& from);
/// Timers as bytes for a checkpoint.
std::vector<std::byte> encode_timers(const std::vector<saved_timer>& from);

} // namespace instar

#pragma once

#include "actors/payload.hpp"
#include "ledger.hpp"
#include "lifecycle/operator_library.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::test {

/// One packet's content: a number and the operators that it has met, as `name@version`.
struct item : payload {
  static constexpr std::string_view payload_name = "test.item";
  explicit item(std::uint64_t n) : number(n) { ++alive; }
  ~item() override { --alive; }
  std::string_view type_name() const noexcept override { return payload_name; }

  std::uint64_t number;
  ledger::tag tag;
  std::vector<std::string> met;
  std::map<std::uint32_t, std::uint64_t> rounds; ///< by index of a `test.turn`: sent round so often
  static inline std::int64_t alive = 0;
};

/// What a sink has received.
struct received {
  std::uint64_t number = 0;
  std::vector<std::string> met;
};

/// What the operators of a test do, and what they saw. One per test, reached by the operators
/// through the host resource `test.script`.
struct script {
  static constexpr std::string_view resource_name = "test.script";

  std::uint64_t total = 100;   ///< items that each source emits
  std::uint64_t per_event = 1; ///< items per activation of a source
  bool notes_ways = true;      ///< items note the operators that they have met
  static constexpr std::uint64_t usual_rounds = 3;
  std::uint64_t rounds = usual_rounds;  ///< `test.turn` sends item n round n % rounds times
  std::optional<std::uint64_t> endless; ///< … but this one for ever
  std::map<std::string, std::vector<received>> sinks;
  std::map<std::string, std::uint64_t> restored; ///< an operator's count after its last restore
  ledger seen;
  std::vector<std::string> breaches; ///< what an operator found wrong itself

  // Faults, by type reference ("test.stage@2") or by operator name; those that a fault names throw
  // or wait.
  std::string throws_in_save, throws_in_restore, never_ready;
  std::string emits_at_cut;          ///< a `test.turn` that once sends round an item of its own
  std::string throws_in_constructor; ///< by type reference, or "*"
  int constructor_throws_after = 0;  ///< … not the next so many
  std::string fails_to_load;         ///< the same
  /// Called with a type's reference before its code is loaded, before an instance is made.
  std::function<void(const std::string&)> loading, building;
  std::string throws_on_first_packet; ///< by type reference; once, by an instance that is new
  std::string throws_on_packet;       ///< by operator name
  std::uint64_t throws_at = 0;        ///< … at this number
  int instances = 0;                  ///< operators alive that have been met by a call
};

/// Operators alive, started or not.
std::int64_t operators_alive();

bool is_source(std::string_view type);

/// `test.source`, `test.feed`, `test.stage`, `test.router`, `test.burst`, `test.turn`,
/// `test.answer` and `test.sink`, each in the versions 1 and 2. A feed is a source with an event
/// for each item. A router sends each item along one of its ports `out0`, `out1`, `out2`; a burst
/// makes two packets of each (and says that it splits); a turn sends each item round through
/// `again` before it lets it out; an answer sends each back to who asked. All but the script's
/// faults are the same in both versions.
class scripted_library final : public operator_library {
public:
  explicit scripted_library(script& s);

  void set_places(std::vector<std::filesystem::path>) override {}
  result<operator_description> describe(std::string_view type, std::uint32_t version) override;
  result<operator_factory> load(std::string_view type, std::uint32_t version) override;
  totals count() const override { return {}; }

private:
  template <template <std::uint32_t> class Operator>
  void add();

  script& script_;
  host_library types_;
};

} // namespace instar::test

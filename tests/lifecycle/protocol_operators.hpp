#pragma once

#include "actors/operator.hpp"
#include "actors/payload.hpp"
#include "ledger.hpp"
#include "lifecycle/operator_library.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
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

/// What became of one request.
struct request_fate {
  int answered = 0, unanswered = 0;
  no_answer why = no_answer::deadline;
  std::string asked_as, told_as, answered_by; ///< versions, as `name@version`
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
  std::map<std::string, std::uint64_t> begun;    ///< by a `test.thread`, of its own
  std::map<std::string, std::uint64_t> restored; ///< an operator's count after its last restore
  ledger seen;
  std::vector<std::string> breaches; ///< what an operator found wrong itself

  // Keyed state: see keyed_operators.cpp.
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> tables; ///< by operator and key
  std::uint64_t preloaded = 300, keys = 400;
  std::uint64_t throws_at_key = ~std::uint64_t{0}; ///< in version 2, taking it over
  /// By operator in the graph file and key: the last item that came with it, plus one.
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> last_of_key;
  /// Items that have been handled, by operator: how many share them now, and what each has counted.
  std::map<std::string, std::pair<std::string, std::map<std::string, std::uint64_t>>> handled;

  // Requests: see request_operators.cpp. By the name that who asked had then, and its number.
  std::map<std::pair<std::string, std::uint64_t>, request_fate> requests;
  std::set<std::pair<std::string, std::uint64_t>> questions; ///< that came to who is asked
  std::chrono::nanoseconds request_deadline = std::chrono::hours(1);
  bool mute = false; ///< nobody answers

  // Faults, by type reference ("test.stage@2") or by operator name; those that a fault names throw
  // or wait.
  std::string throws_in_save, throws_in_restore, throws_in_claim, never_ready;
  std::string emits_at_cut;          ///< a `test.turn` that once sends round an item of its own
  std::string throws_in_constructor; ///< by type reference, or "*"
  int constructor_throws_after = 0;  ///< … not the next so many
  std::string fails_to_load;         ///< the same
  /// Called with a type's reference before its code is loaded, before an instance is made.
  std::function<void(const std::string&)> loading, building;
  std::string throws_on_first_packet; ///< by type reference; once, by an instance that is new
  std::string throws_on_packet;       ///< by operator name
  std::uint64_t throws_at = 0;        ///< … at this number
  bool from_checkpoint = false;       ///< restored counts go on from another script's
  int instances = 0;                  ///< operators alive that have been met by a call
};

/// Operators alive, started or not.
std::int64_t operators_alive();

bool is_source(std::string_view type);

/// `test.source`, `test.feed`, `test.stage`, `test.router`, `test.burst`, `test.turn`,
/// `test.answer`, `test.thread` and `test.sink`, each in the versions 1 and 2. A feed is a source
/// with an event for each item. A router sends each item along one of its ports `out0`, `out1`,
/// `out2`; a burst makes two packets of each (and says that it splits); a turn sends each item
/// round through `again` before it lets it out; an answer sends each back to who asked; a thread
/// behaves like an operator with a thread: it lets items out later, and begins items of its own.
/// All but the script's faults are the same in both versions.
class scripted_library final : public operator_library {
public:
  explicit scripted_library(script& s);

  void set_places(std::vector<std::filesystem::path>) override {}
  result<operator_description> describe(std::string_view type, std::uint32_t version) override;
  result<operator_factory> load(std::string_view type, std::uint32_t version) override;
  std::vector<operator_description> versions(std::string_view type) override {
    return types_.versions(type);
  }
  result<loaded_converter> load_converter(std::string_view type, std::uint32_t version,
                                          std::uint64_t from, std::uint64_t to) override {
    return types_.load_converter(type, version, from, to);
  }
  totals count() const override { return {}; }

  /// Operators in these versions, or else 1 and 2, with the script's faults around their
  /// construction.
  template <template <std::uint32_t> class Operator, std::uint32_t... Versions>
  void add() {
    if constexpr (sizeof...(Versions) == 0) add<Operator, 1, 2>();
    else (add_one<Operator<Versions>>(), ...);
  }

private:
  template <class Operator>
  void add_one() {
    const auto converters = converters_of<Operator>();
    types_.add(
        instar::describe(Operator::type, converters),
        [this](const settings& values) {
          building(Operator::type);
          return host_factory<Operator>()(values);
        },
        converters);
  }
  void building(const operator_type& type);

  script& script_;
  host_library types_;
};

/// `test.asker`, `test.caller`, `test.oracle`, `test.slow` and `test.peer`, for requests. An asker
/// asks for each item, and lets the item out when it is answered; a caller asks by itself, for each
/// of its events; an oracle answers at once; a slow one keeps the questions in its state and
/// answers by a timer, the youngest first; a peer asks like an asker and answers like a slow one.
/// In version 2 their ports are in another order.
void add_request_operators(scripted_library& to);

/// `test.table` and `test.object`, which pass items on and keep a number for each of their keys:
/// how many items of it they have seen since the last that ends it. Each time they compare it with
/// what the script knows. An object hands its state over as it is; a table begins with entries for
/// `script::preloaded` keys. `test.keyer` gives each item one of the keys; `test.shard` is a table
/// by those keys, and nothing else, so that several can share its packets; its version 3 keeps it
/// in another schema. `test.rooted` is one that also counts, and
/// `test.tally` one whose count is merged.
void add_keyed_operators(scripted_library& to);

} // namespace instar::test

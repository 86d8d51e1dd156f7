#pragma once

#include "actors/ballot.hpp"
#include "actors/checkpoint_sink.hpp"
#include "actors/graph.hpp"
#include "actors/links.hpp"
#include "actors/loop_drain.hpp"
#include "actors/packet.hpp"

#include <memory>
#include <string>
#include <vector>

namespace instar {

/// What an operator does when it reaches its cut.
enum class cut_role {
  pass,    ///< forwards the marker and goes on
  rewire,  ///< forwards the marker and waits; with the commit it takes its new arcs
  replace, ///< forwards the marker, saves its state and waits; with the commit its successor goes
           ///< on
  remove,  ///< forwards the marker and waits; with the commit it ends
};

/// An operator's part in a transition, told to it before any marker is sent.
struct participation {
  epoch_t epoch = 0;
  cut_role role = cut_role::pass;
  bool awaited = false;            ///< `pass`: it has to say when it has passed
  bool saves_state = false;        ///< a state edge leads to the successor; `remove`: to an heir
  std::uint64_t export_schema = 0; ///< the schema it saves in; 0 = its own
  bool native = false;             ///< `replace`: hands over the object of its state
  part_transfer parts =
      part_transfer::none; ///< how it hands over its keyed state; `remove`: to heirs
  std::vector<std::shared_ptr<arc>> marked_in;  ///< in-arcs that bring the marker; none at a head
  std::vector<std::shared_ptr<arc>> marked_out; ///< out-arcs that the marker goes on along
  /// What it holds back may fill these: packets come to it from them, and others lead to them.
  std::vector<std::shared_ptr<const cycle_links>> cycles_above;
  operator_links next;   ///< `rewire`: the arcs after the commit
  std::string next_name; ///< `rewire`: what it is called after the commit, if otherwise

  std::shared_ptr<ballot> ready;   ///< it votes as soon as it knows this part
  std::shared_ptr<ballot> copied;  ///< … and here when its keyed state has gone once
  std::shared_ptr<ballot> at_cuts; ///< … and here when it stands at its cut
  bool flushes = false;            ///< `pass`: … when it has passed, and votes `passed`

  // Where the transition empties loops; null elsewhere.
  bool drains = false; ///< … anywhere: till its cut what it does may be needed for that
  std::shared_ptr<loop_drain> drain;
  bool in_loop = false;                         ///< it emits into the loops
  std::vector<std::shared_ptr<arc>> drained_in; ///< at a head: in-arcs it goes on taking from
  std::vector<std::shared_ptr<arc>> ways_in;    ///< of `marked_in`: they lead into a loop
  std::vector<std::shared_ptr<arc>> ending_out; ///< feedback arcs that are removed
  std::vector<std::shared_ptr<arc>> quiet_out;  ///< … that nothing may go along since they were

  /// `pass`: where the operator writes what it has at its cut, before it goes on; else null.
  std::shared_ptr<checkpoint_sink> sink;
};

} // namespace instar

#pragma once

namespace instar {

/// What a runner reports to the supervisor. See report_message.
enum class report_kind {
  created,  ///< a new instance is constructed, and all in the same `ballot` are ready
  prepared, ///< an old one knows its part, and all in the same `ballot` are ready
  moved,    ///< so many entries of its keyed state have gone to the successor, or come to it
  copied,   ///< all of that has gone once, as with all in the same `ballot`
  at_cut,   ///< it waits at its cut for the commit, as do all in the same `ballot`
  restored, ///< a successor holds the state, as do all in the same `ballot`
  passed,   ///< the markers have passed it, and all in the same `ballot`: nothing changes there
  delayed,  ///< "not yet", with the reason; no longer, if that is empty
  failed,   ///< the transition has to be rolled back, with the reason
  running,  ///< committed: it processes in the new graph
  arrived,  ///< all keyed state has come that was left to come after the commit
  ended,    ///< it is gone, its code no longer needed
  written,  ///< of no operator: the checkpoint is durable; the text says what it is
};

} // namespace instar

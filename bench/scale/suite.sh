# shellcheck shell=bash
# How the time of a transition grows with the graph.

explanation="Pipelines of operators that pass packets on. one_of_N_ms: from the request to the outcome, one
operator of N replaced, nothing else to do; all_N_atomic_ms: every stage replaced in one epoch, and
how long each step of that took. Region: the last stage of a saturated pipeline (64 packets per arc)
replaced, first marker to commit; whole_graph is the same with a source that declares that it splits
requests, so that the markers start there and cross the whole pipeline. Sides take turns in one
process."

run_suite() {
  local options=(--repetitions 7)
  [ "$quick" = 1 ] && options=(--repetitions 3)
  "$bin/bench-scale" "${options[@]}" >>"$samples"
  target one_of_10000_vs_one_of_6_ratio max 3
  target all_10000_atomic_ms max 2000
  target region_vs_whole_graph_ratio max 0.1
}

# shellcheck shell=bash
# Clients that ask for transitions as fast as they can.

explanation="8 clients, each with up to 4 open requests, ask for the replacement of random atomic sets of two
neighbours in a saturated pipeline of 18 operators. lost_packets counts gaps, repeats and changes
of order at the sink; mixed_versions packets that met two versions of one set; hung requests
without an outcome. transitions_per_s: committed ones. unchanged: the set had that version already."

run_suite() {
  local options=(--seconds 10)
  [ "$quick" = 1 ] && options=(--seconds 3)
  "$bin/bench-contention" "${options[@]}" >>"$samples"
  target lost_packets max 0
  target mixed_versions max 0
  target hung max 0
}

# shellcheck shell=bash
# Packets per second and latency through six operators, against six hand-wired CAF actors.

explanation="Six operators (source, 4 stages, sink) of a service with its default options (policy local, a
worker per core, arcs of 1,024 packets), against six hand-wired CAF actors that send one message
per packet under a window of 1,024. Same payload, allocated by the source and freed by the sink.
Sides take turns in one process. raw_caf is the best of CAF's policies sharing and stealing with
1 and 2 workers. Latency: one packet outstanding, from the source's emission to the sink, median;
the …_same_scheduler_ratio figures compare with CAF on the policy and workers that instar runs on."

run_suite() {
  local options=(--repetitions 7)
  [ "$quick" = 1 ] && options=(--repetitions 3 --packets 1000000 --round-trips 20000)
  "$bin/bench-pipeline" "${options[@]}" >>"$samples"
  target pipeline_vs_raw_caf_ratio min 1.0
  target latency_vs_raw_caf_ratio max 1.2
}

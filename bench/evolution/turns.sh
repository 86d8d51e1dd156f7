# shellcheck shell=bash
# W3 in short runs, instar and nginx in turn, at each stage of the graph. Sourced by suite.sh.

# The proxy step needs its graph file, and a second node that serves the same files.
prepare_proxy() {
  proxy=0
  [ -f "$root/apps/http/http-proxy.toml" ] || {
    note "note: there is no apps/http/http-proxy.toml, the proxy step is left out"
    return 0
  }
  local front=$port
  instar_upstream "$scratch/www-first"
  port=$front
  proxy=1
}

measure_turns() {
  local stage nginx_at instar_at turn
  source "$root/bench/peers/nginx.sh"
  peer_start "$scratch/www"
  nginx_at=$port
  source "$root/bench/peers/instar.sh"
  peer_start "$scratch/www"
  instar_at=$port
  prepare_proxy
  for stage in base cache proxy; do
    case $stage in
      cache) peer_update w3 1 ;;
      proxy)
        [ "$proxy" = 1 ] || break
        peer_update w3 2
        ;;
    esac
    # Not the first second of a stage: the cache is empty then.
    run_briefly 1 "$instar_at" "${w3_groups[@]}" --root "$scratch/www"
    for ((turn = 0; turn < turns; ++turn)); do
      measure_turn "$stage"
    done
  done
  peer_stop
  source "$root/bench/peers/nginx.sh"
  peer_stop
}

measure_turn() {
  local at=turn_w3
  run_briefly "$turn_seconds" "$instar_at" "${w3_groups[@]}" --root "$scratch/www"
  take_stage "$at" "$1" ""
  run_briefly "$turn_seconds" "$nginx_at" "${w3_groups[@]}" --root "$scratch/www"
  take_stage "nginx_$at" "$1" ""
  run_briefly "$turn_seconds" "$instar_at" "${w3_small_alone[@]}" --root "$scratch/www"
  take "${at}_small_alone_$1_p50_ms" p50_ms
  take "${at}_small_alone_$1_p99_ms" p99_ms
  record_ratio "$(stage_figure w3_small_p50_vs_nginx "$1")" \
    "${at}_small_$1_p50_ms" "nginx_${at}_small_$1_p50_ms"
  record_ratio "$(stage_figure w3_bytes_vs_nginx "$1")" "${at}_$1_MB_per_s" "nginx_${at}_$1_MB_per_s"
  record_ratio "w3_small_p99_$1_ratio" "${at}_small_$1_p99_ms" "${at}_small_alone_$1_p99_ms"
}

# The stage that the targets are about has no name in its figures.
stage_figure() {
  [ "$2" = cache ] && echo "$1_ratio" || echo "$1_$2_ratio"
}

# shellcheck shell=bash
# Erlang/OTP's inets with a handler whose code is loaded anew: see README.md.

peer_title() { echo "Erlang inets: code load"; }

peer_install() { "$root/tests/packages.sh" peer_inets; }

peer_start() {
  inets_home=$scratch/inets
  local version
  rm -rf "$inets_home"
  mkdir -p "$inets_home"
  erlc -o "$inets_home" "$root/bench/peers/inets_host.erl" >"$inets_home/log" ||
    fail "erlc refuses inets_host.erl: $(cat "$inets_home/log")"
  for version in 1 2; do
    mkdir "$inets_home/$version"
    erlc -DVERSION="$version" -o "$inets_home/$version" "$root/bench/peers/inets_handler.erl" \
      >"$inets_home/log" || fail "erlc refuses inets_handler.erl: $(cat "$inets_home/log")"
  done
  free_port
  mkfifo "$inets_home/orders"
  exec {inets_orders}<>"$inets_home/orders"
  # nodelay: inets sends head and body apart, and httpd itself cannot be told so in this release.
  # bash: the shell would give a process in the background /dev/null to read from.
  HOME=$inets_home spawn "$inets_home/log" bash -c 'exec "$@" <"$0"' "$inets_home/orders" \
    erl -noshell -kernel inet_default_listen_options '[{nodelay,true}]' \
    -pa "$inets_home" "$inets_home/1" -run inets_host main "$port" "$1" "$inets_home"
  inets_pid=$spawned
  wait_for_port "$port" "$inets_pid" "$inets_home/log"
}

peer_update() {
  local version=$(($2 % 2 + 1)) i before lines
  mapfile -t before <"$inets_home/log"
  echo "$inets_home/$version" >&"$inets_orders"
  for ((i = 0; i < 1000; ++i)); do
    mapfile -t lines <"$inets_home/log"
    [ ${#lines[@]} -eq ${#before[@]} ] || break
    kill -0 "$inets_pid" 2>/dev/null || break
    nap 0.01
  done
  [ "${lines[-1]-}" = "loaded $version" ] ||
    fail "inets has not loaded version $version: $(tail -n 3 "$inets_home/log")"
}

peer_stop() {
  stop_spawned "$inets_pid"
  exec {inets_orders}>&-
}

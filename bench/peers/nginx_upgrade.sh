# shellcheck shell=bash
# nginx with its binary upgrade: a new master beside the old one, then the old one ends. See README.md.

source "$root/bench/peers/nginx.sh"

peer_title() { echo "nginx: binary upgrade"; }

peer_update() {
  local old=$nginx_pid workers i
  children "$old"
  workers=$children
  kill -USR2 "$old"
  for ((i = 0; i < 1000; ++i)); do
    [ -s "$nginx_home/nginx.pid.oldbin" ] && [ -s "$nginx_home/nginx.pid" ] && break
    nap 0.01
  done
  nginx_find_master
  [ "$nginx_pid" != "$old" ] || fail "nginx has started no new master: $(tail -n 3 "$nginx_home/error.log")"
  adopt "$nginx_pid"
  # Both accept now. The old workers shall end once the new ones are there.
  for ((i = 0; i < 1000; ++i)); do
    children "$nginx_pid"
    [ -n "$children" ] && break
    nap 0.01
  done
  kill -WINCH "$old"
  # shellcheck disable=SC2086 # one word each
  wait_gone $workers
  kill -QUIT "$old"
  wait_gone "$old"
}

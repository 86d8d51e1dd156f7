# shellcheck shell=bash
# nginx with `nginx -s reload`: see README.md.

peer_title() { echo "nginx: reload"; }

peer_install() { "$root/tests/packages.sh" peer_nginx; }

# It goes to the background by itself: a master in the foreground takes no binary upgrade.
peer_start() {
  nginx_home=$scratch/nginx-peer
  free_port
  rm -rf "$nginx_home"
  write_nginx_conf "$nginx_home" "$1" "$port" "worker_processes ${NGINX_WORKERS:-1};"
  # By its path: that is what a binary upgrade executes.
  "$(PATH=$PATH:/usr/sbin command -v nginx)" -c "$nginx_home/nginx.conf" >"$nginx_home/log" 2>&1 ||
    fail "nginx does not start: $(tail -n 3 "$nginx_home/log" "$nginx_home/error.log")"
  nginx_find_master
  adopt "$nginx_pid"
  wait_for_port "$port" "$nginx_pid" "$nginx_home/error.log"
}

nginx_find_master() {
  local i
  for ((i = 0; i < 200; ++i)); do
    [ -s "$nginx_home/nginx.pid" ] && read -r nginx_pid <"$nginx_home/nginx.pid" && return
    nap 0.01
  done
  fail "nginx has written no pid: $(tail -n 3 "$nginx_home/error.log")"
}

# children PID: sets $children. No process is started for it.
children() {
  read -r children <"/proc/$1/task/$1/children" || true
}

# wait_gone PID...: until they have ended, at most 10 s.
wait_gone() {
  local pid i
  for pid in "$@"; do
    for ((i = 0; i < 1000; ++i)); do
      kill -0 "$pid" 2>/dev/null || break
      nap 0.01
    done
  done
}

peer_update() {
  local before
  children "$nginx_pid"
  before=$children
  kill -HUP "$nginx_pid"
  # shellcheck disable=SC2086 # one word each
  wait_gone $before
}

peer_stop() { stop_spawned "$nginx_pid"; }

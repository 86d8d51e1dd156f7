# shellcheck shell=bash
# HAProxy as master and worker, in front of an nginx: see README.md.

peer_title() { echo "HAProxy: reload"; }

peer_install() { "$root/tests/packages.sh" peer_haproxy; }

peer_start() {
  haproxy_home=$scratch/haproxy
  mkdir -p "$haproxy_home"
  start_nginx "$1" haproxy-nginx
  haproxy_nginx=$spawned
  local behind=$port
  free_port
  cat >"$haproxy_home/haproxy.cfg" <<END
global
  stats socket $haproxy_home/stats.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend front
  bind 127.0.0.1:$port
  default_backend nginx
backend nginx
  server one 127.0.0.1:$behind
END
  PATH=$PATH:/usr/sbin spawn "$haproxy_home/log" haproxy -W -f "$haproxy_home/haproxy.cfg"
  haproxy_pid=$spawned
  wait_for_port "$port" "$haproxy_pid" "$haproxy_home/log"
}

# The master executes itself anew and starts the new worker, which gets the listening sockets from
# the old one and then tells it to finish.
peer_update() {
  local before worker i
  read -r before <"/proc/$haproxy_pid/task/$haproxy_pid/children" || true
  kill -USR2 "$haproxy_pid"
  for worker in $before; do
    for ((i = 0; i < 1000; ++i)); do
      kill -0 "$worker" 2>/dev/null || break
      nap 0.01
    done
  done
}

peer_stop() {
  stop_spawned "$haproxy_pid"
  stop_spawned "$haproxy_nginx"
}

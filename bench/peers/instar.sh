# shellcheck shell=bash
# instar itself, with the functions that every peer has: see README.md.

peer_title() { echo "instar: live update"; }

peer_install() { :; }

# instar_graph NAME: apps/http/NAME.toml with the modules of the programs that run, in $scratch.
instar_graph() {
  sed "s|^modules = .*|modules = [\"$bin/../modules\"]|" "$root/apps/http/$1.toml" >"$scratch/$1.toml"
}

peer_start() {
  start_instard "$root/apps/http/http.toml" "$1" instar
  instar_pid=$spawned instar_admin=$admin instar_www=$1
}

# instar_tell COMMAND...: an instarctl that must succeed.
instar_tell() {
  "$bin/instarctl" "$@" --admin "$instar_admin" --quiet >"$scratch/instarctl.log" 2>&1 || {
    tail -n 5 "$scratch/instarctl.log" "$scratch/instar.log" >&2
    fail "'instarctl $*' failed"
  }
}

# What the daemon was started with by --set, port and root, holds for graphs applied later.
peer_update() {
  case $1$2 in
    w1*)
      # The least that makes a new instance of an operator without another version: a setting.
      instar_graph http-nio
      instar_tell apply "$scratch/http-nio.toml" --set accept.max_connections=$((9000 + $2)) \
        --set read.idle_timeout=$((80 + $2))s --set parse.head_timeout=$((40 + $2))s \
        --set reply.write_timeout=$((70 + $2))s
      ;;
    w2*)
      local version=$(($2 % 2 + 1))
      instar_tell update "load=http.load@$version" "reply=http.reply@$version"
      ;;
    w31)
      instar_graph http-cache
      instar_tell apply "$scratch/http-cache.toml"
      ;;
    w3*)
      instar_graph http-proxy
      instar_tell apply "$scratch/http-proxy.toml" "${instar_proxy_settings[@]}"
      ;;
  esac
}

# instar_upstream FOLDER: for the proxy step of W3, starts the second node, which serves the root of
# the first. Of it the first one then has only what is in FOLDER.
instar_upstream() {
  start_instard "$root/apps/http/http-nio.toml" "$instar_www" upstream
  instar_upstream_pid=$spawned
  instar_proxy_settings=(--set "send.upstream=127.0.0.1:$port" --set "cond.root=$1" --set "load.root=$1")
}

peer_stop() {
  stop_spawned "$instar_pid"
  [ -z "${instar_upstream_pid-}" ] || stop_spawned "$instar_upstream_pid"
  instar_upstream_pid=""
}

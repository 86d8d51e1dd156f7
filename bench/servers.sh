# shellcheck shell=bash
# Starts the servers that suites compare; sourced by them after common.sh.

# start_instard GRAPH ROOT [NAME]: serves ROOT on a free port; sets $port, $spawned and $admin.
start_instard() {
  local graph=$1 folder=$2 name=${3:-instard}
  free_port
  admin=$scratch/$name.sock
  # With the modules of the same build as the program, which need not be in build/release.
  sed "s|^modules = .*|modules = [\"$bin/../modules\"]|" "$graph" >"$scratch/$name.toml"
  spawn "$scratch/$name.log" "$bin/instard" --graph "$scratch/$name.toml" --admin "$admin" \
    --set "accept.port=$port" --set "load.root=$folder"
  wait_for_port "$port" "$spawned" "$scratch/$name.log"
}

# write_nginx_conf HOME ROOT PORT MORE...: MORE is put at the top, a directive each.
write_nginx_conf() {
  local home=$1 folder=$2 at=$3
  shift 3
  mkdir -p "$home"
  [ "$(id -u)" -eq 0 ] && set -- "$@" "user root;"
  printf '%s\n' "$@" >"$home/nginx.conf"
  cat >>"$home/nginx.conf" <<END
pid $home/nginx.pid;
error_log $home/error.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 3600;
  default_type text/html;
  client_body_temp_path $home/body;
  proxy_temp_path $home/proxy;
  fastcgi_temp_path $home/fastcgi;
  uwsgi_temp_path $home/uwsgi;
  scgi_temp_path $home/scgi;
  server { listen 127.0.0.1:$at; root $folder; }
}
END
}

# start_nginx ROOT [NAME [WORKERS]]: with sendfile; one worker if it is not said. Sets $port and
# $spawned.
start_nginx() {
  local home=$scratch/${2:-nginx}
  free_port
  write_nginx_conf "$home" "$1" "$port" "worker_processes ${3:-1};" "daemon off;"
  PATH=$PATH:/usr/sbin spawn "$home/log" nginx -c "$home/nginx.conf"
  wait_for_port "$port" "$spawned" "$home/log"
}

# make_files FOLDER COUNT BYTES: FOLDER/00000.html …, each with bytes of its own.
make_files() {
  mkdir -p "$1"
  # One stream, cut into files: random enough that no two are equal, and fast.
  head -c $(($2 * $3)) /dev/urandom |
    (cd "$1" && split -b "$3" -a 5 -d --additional-suffix=.html - "")
}

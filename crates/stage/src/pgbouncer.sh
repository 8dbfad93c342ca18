# Runs a PgBouncer for the PostgreSQL whose socket is in $1, with pool_mode $2 and $3 connections per database, until
# standard input closes. Prints the directory of its socket when it is ready. Settings that do not concern its address are
# defaults.
set -eu
trap '' HUP INT PIPE TERM

bin=$(command -v pgbouncer || echo /usr/sbin/pgbouncer)
[ -x "$bin" ] || { echo 'it is not installed' >&2; exit 1; }

home=$(mktemp -d /tmp/latchkey-pgbouncer.XXXXXX)
pooler=
end() {
  [ -z "$pooler" ] || { kill -KILL "$pooler" && wait "$pooler" || true; } 2>/dev/null
  rm -rf "$home"
}
trap end EXIT

echo '"latchkey" ""' >"$home/users"
cat >"$home/pgbouncer.ini" <<CONFIGURATION
[databases]
* = host=$1
[pgbouncer]
unix_socket_dir = $home
listen_port = 5432
auth_type = trust
auth_file = $home/users
pool_mode = $2
default_pool_size = $3
max_client_conn = 2000
server_idle_timeout = 2
CONFIGURATION
"$bin" -q "$home/pgbouncer.ini" >"$home/log" 2>&1 </dev/null &
pooler=$!
until [ -S "$home/.s.PGSQL.5432" ]; do
  kill -0 "$pooler" 2>/dev/null || { cat "$home/log" >&2; exit 1; }
  sleep 0.05
done
echo "$home"
cat >/dev/null

# Runs a private PostgreSQL on a socket in a temporary directory, until standard input closes: it always ends with the
# process at the other end. Prints the directory when it is ready. Arguments are passed to PostgreSQL.
set -eu
# The process at the other end handles Ctrl-C.
trap '' HUP INT PIPE TERM

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -n "$bin" ] || bin=$(dirname "$(command -v postgres || echo /nowhere/postgres)")
[ -x "$bin/postgres" ] || { echo 'it is not installed' >&2; exit 1; }

home=$(mktemp -d /tmp/latchkey-postgres.XXXXXX)
server=
end() {
  [ -z "$server" ] || { kill -QUIT "$server" && wait "$server" || true; } 2>/dev/null
  rm -rf "$home"
}
trap end EXIT
fail() {
  cat "$home/log" >&2
  exit 1
}

"$bin/initdb" --pgdata="$home/data" --username=latchkey --auth=trust --encoding=UTF8 --no-locale --no-sync \
  >"$home/log" 2>&1 || fail
# One user needs a password, so that tests can use a wrong one.
sed -i '1i local all guest scram-sha-256' "$home/data/pg_hba.conf"
"$bin/postgres" -D "$home/data" -k "$home" -c listen_addresses= -c max_connections=300 \
  "$@" >>"$home/log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" -q -h "$home"; do
  kill -0 "$server" 2>/dev/null || fail
  sleep 0.05
done
echo "$home"
cat >/dev/null

# What the scripts for the box share: an exchange, a configuration for it, and a way to say what holds.

fail() { echo "FAILED: $*"; systemctl status "$unit" --no-pager -l; journalctl --no-pager -o cat -u "$unit" | tail -30; exit 1; }
show() { systemctl show -P "$1" "$unit"; }
holds() { "${@:2}" || fail "$1"; echo "ok $1"; }
is() { [ "$(show "$1")" = "$2" ]; }
status_says() { show StatusText | grep -q "$1"; }
logged() { journalctl --no-pager -o cat -u "$unit" | grep -q "$1"; }
seconds() { sed 's/\..*//' /proc/uptime; }

# Waits until a command succeeds, for so many seconds.
until_() {
  local give_up=$(($(seconds) + $1)); shift
  until "$@"; do [ "$(seconds)" -lt "$give_up" ] || return 1; sleep 0.1; done
}

# The key and secret of the account that the exchange opens for every seed 1.
open_exchange() {
  reconciler simulate --port 8080 > /run/exchange 2>&1 &
  exchange=$!
  until_ 20 grep -q '# ready' /run/exchange || { cat /run/exchange; exit 1; }
  sed -n 's/^api_key = "\(.*\)"/\1/p' /run/exchange > /etc/reconciler/keys/treasury.api_key
  sed -n 's/^api_secret = "\(.*\)"/\1/p' /run/exchange > /etc/reconciler/keys/treasury.api_secret
  chmod 600 /etc/reconciler/keys/*
}

# A configuration for a database, at a path.
configure() {
  mkdir -p -m 700 /etc/reconciler/keys
  cat > "$2" <<T
[database]
url = "$1"
[exchange]
rest_url = "http://127.0.0.1:8080"
ws_url = "ws://127.0.0.1:8080/ws"
[[accounts]]
name = "treasury"
[backfill]
since = "1h"
[backup]
dir = "/var/lib/reconciler/backups"
T
}

# The drop-ins of these names.
drop_in() {
  mkdir -p "/etc/systemd/system/$unit.d"
  for name; do cp "/run/box/systemd/drop-ins/$name.conf" "/etc/systemd/system/$unit.d/"; done
  systemctl daemon-reload
}

cd /tmp
mkdir -p /etc/reconciler/keys; chmod 700 /etc/reconciler/keys
cat > /etc/reconciler/reconciler.toml <<T
[database]
url = "sqlite:////var/lib/reconciler/record.db"
[exchange]
rest_url = "http://127.0.0.1:8080"
ws_url = "ws://127.0.0.1:8080/ws"
[[accounts]]
name = "treasury"
[backfill]
since = "1h"
T
echo k > /etc/reconciler/keys/treasury.api_key; echo s > /etc/reconciler/keys/treasury.api_secret
time systemctl start reconciler; systemctl status reconciler --no-pager -l; journalctl -u reconciler --no-pager | tail -20
reconciler simulate & sleep 2; kill %1

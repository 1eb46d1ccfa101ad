# The backup's unit: a proven copy beside a running daemon, made without a network.
unit=reconciler.service
. "$(dirname "$0")/common.sh"

configure sqlite:////var/lib/reconciler/record.db /etc/reconciler/reconciler.toml
open_exchange
drop_in keys
holds "the daemon starts" timeout 60 systemctl start "$unit"

unit=reconciler-backup.service
holds "its unit is flawless" test -z "$(systemd-analyze verify /etc/systemd/system/reconciler-backup.service /etc/systemd/system/reconciler-backup.timer 2>&1)"
holds "a backup is made" timeout 60 systemctl start "$unit"
journalctl -o cat -u "$unit"
holds "there is one" test -n "$(ls /var/lib/reconciler/backups)"
holds "which nobody else may read" test "$(stat -c %a /var/lib/reconciler/backups/* | sort -u)" = 600
systemd-analyze security "$unit" --no-pager | tail -1

unit=reconciler.service
holds "the daemon did not notice" status_says "^1 account live"

# As docs/service.md says.
systemctl stop "$unit"
cd /var/lib/private/reconciler
backup=$(ls backups/*.db | tail -1)
rm -f record.db record.db-wal record.db-shm
install -m 600 "$backup" record.db
chown --reference=. record.db
holds "a restored record is taken up" timeout 60 systemctl start "$unit"
holds "and brought up to the present" until_ 20 status_says "^1 account live, proven until [^;]*$"

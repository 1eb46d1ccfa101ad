# The unit on SQLite: ready when live, killed when stuck, and no wider open than it says.
unit=reconciler.service
. "$(dirname "$0")/common.sh"

configure sqlite:////var/lib/reconciler/record.db /etc/reconciler/reconciler.toml
open_exchange
cp /run/box/tests/service/box/probe.py /opt/reconciler/
drop_in keys
cat > "/etc/systemd/system/$unit.d/test.conf" <<T
[Service]
WatchdogSec=3
TimeoutAbortSec=1
RestartSec=200ms
ExecStartPost=/opt/reconciler/bin/python /opt/reconciler/probe.py
T
systemctl daemon-reload

for file in /etc/systemd/system/reconciler*; do
  [ -d "$file" ] || holds "${file##*/} is flawless" test -z "$(systemd-analyze verify "${file/@/@desk}" 2>&1)"
done

holds "it starts" timeout 60 systemctl start "$unit"
holds "it was live before it was ready" logged session.live
holds "its keys are in no line of the journal" test -z "$(journalctl -o cat | grep -f <(cat /etc/reconciler/keys/*))"
holds "nor in the process list" test -z "$(ps axwwe | grep -f <(cat /etc/reconciler/keys/*))"
holds "it tells how it goes" until_ 20 status_says "^1 account live, proven until 20.*, 0 drifts$"
holds "it is not root" test "$(ps -o user= -p "$(show MainPID)")" != root
holds "the sandbox refuses what it should" logged "refused to open a netlink socket"
holds "and has no hole" test -z "$(journalctl -o cat -u "$unit" | grep '^may ')"
journalctl -o cat -u "$unit" | grep "^root holds"
holds "the record is its own" test "$(stat -L -c %a /var/lib/reconciler /var/lib/reconciler/record.db | xargs)" = "700 600"

systemctl reload "$unit"
holds "a reload reads the configuration again" until_ 5 logged reload.done

kill -STOP "$(show MainPID)"
holds "a stuck daemon is killed and started again" until_ 20 is NRestarts 1
holds "by the watchdog" logged "Watchdog timeout"
holds "and gets well" until_ 20 is ActiveState active
holds "and live" until_ 20 status_says "^1 account live"

kill -KILL "$(show MainPID)"
holds "a killed one too" until_ 20 is NRestarts 2
until_ 20 is ActiveState active

before=$(seconds)
systemctl stop "$unit"
holds "it stops within 10 s" test $(($(seconds) - before)) -le 10
holds "with success" is Result success

echo wr0ng > /etc/reconciler/keys/treasury.api_secret
systemctl start "$unit" 2>/dev/null
holds "refused credentials end it" until_ 20 is ExecMainStatus 3
sleep 1
holds "and it is not tried again" is ActiveState failed
holds "not once" is NRestarts 0

systemd-analyze security "$unit" --no-pager | tail -1

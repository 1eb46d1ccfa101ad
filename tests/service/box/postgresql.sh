# The unit on this machine's PostgreSQL, over its socket and as the user that it is; a second
# instance beside it; and backups of both kinds of record.
unit=reconciler.service
. "$(dirname "$0")/common.sh"

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
[ -n "$bin" ] || { echo "no PostgreSQL of the machine's own"; exit 77; }
# Debian's generator would start the machine's own clusters with it.
ln -s /dev/null /etc/systemd/system/postgresql@.service
cat > /etc/systemd/system/postgresql.service <<T
[Service]
Type=notify
User=postgres
RuntimeDirectory=postgresql pg
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
ExecStartPre=/bin/sh -c "test -d /run/pg/data || $bin/initdb -D /run/pg/data -A peer --no-sync"
ExecStart=$bin/postgres -D /run/pg/data -c listen_addresses= -c unix_socket_directories=/run/postgresql -c fsync=off
T
systemd-sysusers /run/box/systemd/sysusers.d/reconciler.conf
configure "postgresql://reconciler@/reconciler?host=/run/postgresql" /etc/reconciler/reconciler.toml
open_exchange
cp /run/box/tests/service/box/probe.py /opt/reconciler/
drop_in keys postgresql
printf '[Service]\nExecStartPost=/opt/reconciler/bin/python /opt/reconciler/probe.py\n' > "/etc/systemd/system/$unit.d/test.conf"
systemctl daemon-reload

systemctl start postgresql || { journalctl --no-pager -o cat -u postgresql; exit 1; }
runuser -u postgres -- "$bin/psql" -h /run/postgresql -q -c "CREATE ROLE reconciler LOGIN" -c "CREATE DATABASE reconciler OWNER reconciler"

holds "it starts on PostgreSQL" timeout 60 systemctl start "$unit"
holds "live before it was ready" logged session.live
holds "it is the lasting user" test "$(ps -o user= -p "$(show MainPID)")" = reconciler
holds "the sandbox has no hole" test -z "$(journalctl -o cat -u "$unit" | grep '^may ')"
holds "it tells how it goes" until_ 20 status_says "^1 account live, proven until"

systemctl kill -s KILL postgresql
holds "a database that is away is said" until_ 30 status_says "the database is away"
holds "and nothing is restarted for it" is NRestarts 0

systemctl start postgresql
holds "it gets well by itself" until_ 60 status_says "^1 account live, proven until [^;]*$"
holds "still without a restart" is NRestarts 0

configure sqlite:////var/lib/reconciler-desk/record.db /etc/reconciler/desk.toml
printf '[http]\nlisten = "127.0.0.1:9465"\n' >> /etc/reconciler/desk.toml
mkdir -p /etc/systemd/system/reconciler@desk.service.d
cp /run/box/systemd/drop-ins/keys.conf /etc/systemd/system/reconciler@desk.service.d/
systemctl daemon-reload
unit=reconciler@desk.service
holds "an instance beside it starts" timeout 60 systemctl start "$unit"
holds "with a record of its own" test -s /var/lib/reconciler-desk/record.db
holds "which nobody else may read" test "$(stat -L -c %a /var/lib/reconciler-desk)" = 700
systemctl stop "$unit"

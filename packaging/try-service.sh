#!/bin/sh
# packaging/try-service.sh: the package under a real systemd, in a container of its own. By hand, as root, after npm run
# setup; takes some three minutes. Installs, deploys a sample, invokes it after a reload, an upgrade and the death of
# each process, and looks for what is left after the stop. Needs mmdebstrap and systemd-container.
set -eu
cd "$(dirname "$0")/.."
. tools/lib.sh
for needed in mmdebstrap systemd-nspawn; do has "$needed" || die "$needed is missing: apt-get install mmdebstrap systemd-container"; done
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
root=$place/root

step "Debian with systemd"
run mmdebstrap --variant=apt --include=systemd-sysv,dbus,iproute2,nftables,e2fsprogs,procps,python3 bookworm "$root" http://deb.debian.org/debian
step "Package"
cp "$(sh packaging/build-deb.sh "$place")" "$root/root/thaw.deb"
cp -r samples/nodejs "$root/root/sample"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../try.service "$root/etc/systemd/system/multi-user.target.wants/try.service"
cat > "$root/etc/systemd/system/try.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /root/try.sh > /root/try.log 2>&1; systemctl poweroff'
UNIT
cat > "$root/root/try.sh" <<'TRY'
set -eu
# What systemd-nspawn mounts of version 1 can only be read.
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
	mount -o remount,rw /sys/fs/cgroup
	for name in memory cpu freezer pids; do umount "/sys/fs/cgroup/$name"; mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name"; done
fi
invoke() {
	for try in $(seq 150); do systemctl is-active --quiet thaw && thaw doctor | grep -q 'ready at' && break; sleep 1; done
	thaw invoke --quiet primes:live '{"below": 50}' | grep -q '"count":15'
	echo "ok: invoke after $1, $(($(date +%s) - started)) s"
}
dpkg -i /root/thaw.deb
started=$(date +%s)
systemctl enable --now thaw
for try in $(seq 30); do thaw doctor | grep -q 'ready at' && break; sleep 1; done
thaw deploy /root/sample/template.yml
invoke "deploy"
started=$(date +%s); systemctl reload thaw; sleep 1; invoke "reload"
started=$(date +%s); dpkg -i /root/thaw.deb; sleep 1; invoke "upgrade"
started=$(date +%s); systemctl kill --signal KILL --kill-who main thaw; sleep 1; invoke "the launcher's death"
started=$(date +%s); pkill -KILL -x thaw-sandboxd; sleep 1; invoke "sandboxd's death"
started=$(date +%s); systemctl kill --signal KILL thaw; sleep 1; invoke "the death of all"
systemctl stop thaw
left=$(pgrep -af '[t]haw-|[t]haw.mjs' || true; find /sys/fs/cgroup -path '*thaw*' -name 'sb-*'; nft list tables; ip -o link | grep -o 'thaw[^ ]*' || true)
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
dpkg -r thaw
echo "ok: nothing left"
TRY
step "A systemd of its own"
# The container's own filter of system calls would keep CRIU from its work.
SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 timeout -k 5 400 \
	systemd-nspawn --boot --quiet --directory "$root" --register=no --keep-unit \
	--capability=all --network-veth --bind="$THAW_HOME/runtimes" --bind-ro="$THAW_HOME/sam-transform" > "$place/boot.log" 2>&1 || tail -n 20 "$place/boot.log"
cat "$root/root/try.log"
grep -q '^ok: nothing left' "$root/root/try.log" || die "the service did not do all of it"

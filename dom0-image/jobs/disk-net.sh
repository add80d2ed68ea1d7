# disk-net: a guest with a disk (raw file, loop device, xen-blkback) and a network card on a bridge to Dom0. Other jobs share it, with
# other guests (TYPE), what these do (MODE, ARGS), how much they write (DISK_MIB) and where on their disk (DISK_SKIP_MIB).
. /fx/jobs/lib.sh
start_xen || exit 1
bridge_up
DISK_MIB=${DISK_MIB:-256}
truncate -s 260M /tmp/dn.img
make_guest dn "fx.mode=${MODE:-disk,net} fx.mib=$DISK_MIB $ARGS" "vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']" \
    "${DISK-disk=['format=raw,vdev=xvda,access=rw,target=/tmp/dn.img']}" || exit 1
# nc's standard input stays open: at its end nc would close its side, and the sender would leave too early.
[ -p /tmp/hold ] || mkfifo /tmp/hold
exec 9<>/tmp/hold
busybox timeout 300 busybox nc -l -p 7000 <&9 >/tmp/dn.received 2>/dev/null &
check create 120 xl create /tmp/dn.cfg || exit 1
guest_says dn hello 120 'HELLO FROM GUEST'
guest_says dn end 240 'GUEST end'
show_guest dn
lines dn 'GUEST disk OK' >/dev/null
verdict $? disk "$(lines dn 'GUEST disk' | cut -d' ' -f3-)"
sum=$(lines dn 'GUEST disk' | grep -o 'sum=[0-9a-f]*')
[ "sum=$(dd if=/tmp/dn.img bs=1M skip="${DISK_SKIP_MIB:-0}" count="$DISK_MIB" status=none | fx sum)" = "$sum" ]
verdict $? disk_seen_by_dom0
lines dn 'GUEST ping' | grep -q ' 0% packet loss'
verdict $? ping "$(lines dn 'GUEST ping' | grep -o '20 packets.*')"
sum=$(lines dn 'GUEST sent' | grep -o 'sum=[0-9a-f]*')
[ "sum=$(fx sum </tmp/dn.received)" = "$sum" ]
verdict $? tcp "$(stat -c %s /tmp/dn.received) bytes $(lines dn 'GUEST sent' | grep -o 'time=.*')"
until_true 60 gone dn
verdict $? gone || xl destroy dn
no_loops() { [ -z "$(losetup -a)" ]; }
until_true 10 no_loops
verdict $? teardown
rm -f /tmp/dn.img /tmp/dn.received

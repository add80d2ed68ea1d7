# bench-io: a PV guest's disk through xen-blkback and its network card through xen-netback, per MiB.
. /fx/jobs/measure.sh
start_xen || exit 1
bridge_up
truncate -s 32M /tmp/io.img
guest_config io 'fx.mode=speed fx.mib=16' "disk=['format=raw,vdev=xvda,access=rw,target=/tmp/io.img']" \
    "vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']"
[ -p /tmp/hold ] || mkfifo /tmp/hold
exec 9<>/tmp/hold
busybox timeout 300 busybox nc -l -p 7000 <&9 >/dev/null 2>&1 &
timed create_with_devices xl create /tmp/io.cfg || exit 1
fx wait $CONSOLES/guest-io.log 'GUEST end' 240 >/dev/null
verdict $? io
lines io '^LOOP' | loops
until_true 60 gone io
verdict $? io_gone || show_guest io

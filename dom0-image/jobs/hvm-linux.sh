# hvm-linux: Debian's kernel as HVM guest, started by firmware and device model; its disk is taken over by a PV driver. It has a
# network card, too, which it does not use. Not among the tests: cargo xtask run --jobs hvm-linux --batch
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
bridge_up
modprobe tun # for the emulated network card
truncate -s 20M /tmp/hl.img
TYPE=hvm guest_config hl 'fx.mode=disk fx.mib=16' "disk=['format=raw,vdev=hda,access=rw,target=/tmp/hl.img']" \
    "vif=['bridge=xenbr0,mac=00:16:3e:00:00:05']" "serial='file:$CONSOLES/guest-hl.log'" "vga='none'" "vnc=0" "sdl=0" \
    "nographic=1" "usb=0"
sed -i 's/console=hvc0/console=ttyS0/' /tmp/hl.cfg
check create 120 xl create /tmp/hl.cfg || { xl dmesg | tail -20; tail -q -n 12 /var/log/xen/xl-hl.log /var/log/xen/qemu-dm-hl.log; exit 1; }
guest_says hl hello 240 'HELLO FROM GUEST' || tail -20 /var/log/xen/qemu-dm-hl.log
guest_says hl end 120 'GUEST end'
lines hl 'GUEST kernel' | grep -q "type=xen/HVM xen=4.20"
verdict $? seen_by_guest
lines hl 'GUEST disk OK' >/dev/null
verdict $? disk "$(lines hl 'GUEST disk' | cut -d' ' -f3-)"
until_true 60 gone hl
verdict $? gone || xl destroy hl
show_guest hl 30
until_true 20 gone hl
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"
rm -f /tmp/hl.img

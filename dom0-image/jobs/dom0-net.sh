# dom0-net: Dom0's own network card and disk, real devices with interrupts and DMA.
. /fx/jobs/lib.sh
# A card on PCI; QEMU's backend for Dom0 adds a vif, which is not meant.
for path in /sys/class/net/*; do
    case $(readlink -f "$path/device") in *vif*) ;; */pci*) nic=${path##*/} ;; esac
done
[ -n "$nic" ]
verdict $? card "$nic $(basename "$(readlink -f "/sys/class/net/$nic/device/driver")")" || exit 1
ip link set "$nic" up
ip addr add 10.0.2.15/24 dev "$nic"
until_true 20 ping -c 1 -W 1 10.0.2.2
ping -c 20 -i 0.1 -s 1000 10.0.2.2 >/tmp/ping
grep -q ' 0% packet loss' /tmp/ping
verdict $? ping "$(grep -o '20 packets.*' /tmp/ping)"
dd if=/dev/urandom of=/var/tmp/data bs=1M count=16 conv=fsync 2>/dev/null
want=$(md5sum </var/tmp/data)
sync
echo 3 >/proc/sys/vm/drop_caches
[ "$(md5sum </var/tmp/data)" = "$want" ]
verdict $? disk "16 MiB written, dropped from the cache and read back"
rm -f /var/tmp/data
grep -E 'virtio|ahci|eth|nic|xen-pirq' /proc/interrupts | sed 's/^/    /' | head -20

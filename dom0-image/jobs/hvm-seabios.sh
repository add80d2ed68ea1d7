# hvm-seabios: an HVM guest as an administrator has it, whose disk has a partition table, GRUB, kernel and initrd. Its disk and
# network card are then driven by PV drivers, and the emulated ones are gone. Other firmware by FIRMWARE.
# Needs: guest-disk
TYPE=hvm-disk MODE=platform,disk,net DISK='' ARGS='fx.disk=/dev/xvda3' DISK_MIB=32 DISK_SKIP_MIB=42
. /fx/jobs/disk-net.sh
lines dn 'GRUB on' | grep -q "GRUB on ${FIRMWARE_SEEN[0]-pc} starts"
verdict $? grub "$(lines dn 'GRUB on')"
lines dn 'GUEST kernel' | grep -q 'type=xen/HVM xen=4.20'
verdict $? seen_by_guest "$(lines dn 'GUEST kernel')"
lines dn 'GUEST emulated' | grep -q "disks=0 cards=0 firmware=${FIRMWARE_SEEN[1]-bios}"
verdict $? unplugged "$(lines dn 'GUEST emulated')"

# hvm-guest: a guest with firmware and a device model: hvmloader, SeaBIOS, QEMU's IDE disk, whose boot sector prints a line
# by the BIOS. Nothing is left behind.
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
# cli; ax, ds = 0; si = text; for each byte: ah = 1, dx = 0, int 0x14 (serial line); then sti, hlt for ever
python3 - >/tmp/hvm.img <<'PY'
import sys
code = bytes.fromhex('fa31c08ed8be1a7cfcac84c07408b40131d2cd14ebf3fbf4ebfd') + b'\r\nHELLO FROM GUEST by BIOS\r\n\0'
sys.stdout.buffer.write(code.ljust(510, b'\0') + b'\x55\xaa' + bytes(1 << 20))
PY
printf '%s\n' "name='hvm'" "type='hvm'" "memory=128" "vcpus=1" "serial='file:$CONSOLES/guest-hvm.log'" "boot='c'" "vga='none'" "vnc=0" "sdl=0" "nographic=1" "usb=0" "on_crash='destroy'" \
    "disk=['format=raw,vdev=hda,access=rw,target=/tmp/hvm.img']" >/tmp/hvm.cfg
rm -f $CONSOLES/guest-hvm.log
check create 120 xl create /tmp/hvm.cfg || { xl dmesg | tail -20; tail -q -n 8 /var/log/xen/xl-hvm.log /var/log/xen/qemu-dm-hvm.log; exit 1; }
guest_says hvm hello 120 'HELLO FROM GUEST' || tail -20 /var/log/xen/qemu-dm-hvm.log
xl list
check destroy 60 xl destroy hvm
until_true 20 gone hvm
verdict $? gone
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"

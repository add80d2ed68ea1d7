# hvm-memtest: an HVM guest that is not Linux: Memtest86+ from its CD finds processor and memory and tests them. What is on the screen
# is read from the video card's memory, and by a VNC client, whose picture is printed as in hvm-screen.
# Not among the tests: cargo xtask run --jobs hvm-memtest --batch
. /fx/jobs/lib.sh
start_xen || exit 1
printf '%s\n' "name='mt'" "type='hvm'" "memory=64" "vcpus=1" "boot='d'" "vga='stdvga'" "vnc=1" "vnclisten='127.0.0.1'" \
    "usb=0" "on_crash='destroy'" "disk=['format=raw,vdev=hdc,devtype=cdrom,access=ro,target=/usr/lib/memtest86+/memtest86+x64.iso']" >/tmp/mt.cfg
check create 120 xl create /tmp/mt.cfg || { tail -q -n 12 /var/log/xen/qemu-dm-mt.log; exit 1; }
# text: 25 lines of 80 characters, each with its colours in the upper byte
text() {
    xl qemu-monitor-command mt 'xp /2000xh 0xb8000' | python3 -c '
import re, sys
cells = [int(word, 16) & 0xff for word in re.findall(r"0x([0-9a-f]{4})\b", sys.stdin.read())]
for line in range(25):
    print("".join(chr(c) if 32 <= c < 127 else " " for c in cells[80 * line:80 * line + 80]).rstrip())'
}
shows() { text >/tmp/mt.text && grep -q "$1" /tmp/mt.text; }
until_true 120 shows 'Memtest86+'
verdict $? title "$(grep -o 'Memtest86+ v[0-9.]*' /tmp/mt.text)"
until_true 300 shows 'Test *: *[0-9]*%\|Test #'
verdict $? tests_memory
sed 's/^/  mt| /' /tmp/mt.text
picture 127.0.0.1:0
check destroy 60 xl destroy mt
until_true 20 gone mt
verdict $? gone

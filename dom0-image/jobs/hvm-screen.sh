# hvm-screen: an HVM guest with a VGA card and VNC: what its boot sector writes by the BIOS (three lines of #) is in the picture that
# the device model shows, and a VNC client (Debian's vncsnapshot) gets a picture, which is printed for somebody to look at.
# Not among the tests: cargo xtask run --jobs hvm-screen --batch
. /fx/jobs/lib.sh
start_xen || exit 1
# cli; ax, ds = 0; si = text; for each byte: ah = 0x0e, bx = 7, int 0x10 (screen); then sti, hlt for ever
python3 - >/tmp/screen.img <<'PY'
import sys
code = bytes.fromhex('fa31c08ed8be1b7cfcac84c07409b40ebb0700cd10ebf2fbf4ebfd') + b'\r\n' + 3 * (70 * b'#' + b'\r\n') + b'\0'
sys.stdout.buffer.write(code.ljust(510, b'\0') + b'\x55\xaa' + bytes(1 << 20))
PY
printf '%s\n' "name='screen'" "type='hvm'" "memory=128" "vcpus=1" "boot='c'" "vga='stdvga'" "vnc=1" "vnclisten='127.0.0.1'" \
    "usb=0" "on_crash='destroy'" "disk=['format=raw,vdev=hda,access=rw,target=/tmp/screen.img']" >/tmp/screen.cfg
check create 120 xl create /tmp/screen.cfg || { tail -q -n 12 /var/log/xen/qemu-dm-screen.log; exit 1; }
# shows: whether the picture is one of text and has more of it than the BIOS's own (light pixels, most dark)
shows() {
    rm -f /tmp/screen.ppm
    xl qemu-monitor-command screen 'screendump /tmp/screen.ppm' && sleep 0.5 && python3 - <<'PY'
import sys
data = open('/tmp/screen.ppm', 'rb').read()
magic, size, depth, pixels = data.split(b'\n', 3)
width, height = map(int, size.split())
light = sum(1 for i in range(0, len(pixels) - 2, 3) if pixels[i] > 100 and pixels[i + 1] > 100)
print(width, height, light)
sys.exit(not (width == 720 and height == 400 and 8000 < light < 60000))
PY
}
until_true 60 shows
verdict $? picture "$(shows)"
xl list
picture 127.0.0.1:0
check destroy 60 xl destroy screen
until_true 20 gone screen
verdict $? gone
rm -f /tmp/screen.img /tmp/screen.ppm

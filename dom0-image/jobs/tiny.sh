# tiny.sh: sourced by jobs that need many small guests, of type TYPE (pvh). A PVH kernel of a page, which says hello by the debug
# port (0xe9) and sleeps, or a PV kernel that says so on its console.
. /fx/jobs/lib.sh
TYPE=${TYPE:-pvh}

# 32-bit code: mov esi, text; for each byte: out 0xe9, al; then sti, hlt for ever
tiny_kernel() {
    [ $TYPE = pvh ] || return 0
    python3 - >/tmp/tiny.elf <<'PY'
import struct, sys
BASE = 0x100000
code = bytes.fromhex('be') + struct.pack('<I', BASE + 0x20) + bytes.fromhex('ac84c07404e6e9ebf7fbf4ebfd')
text = code.ljust(0x20, b'\x90') + b'TINY HELLO\n\0'
# XEN_ELFNOTE_PHYS32_ENTRY
note = struct.pack('<III4sI', 4, 4, 18, b'Xen\0', BASE)
head = 52 + 2 * 32
elf = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\1\1\1', 2, 3, 1, BASE, 52, 0, 0, 52, 32, 2, 40, 0, 0)
load = struct.pack('<IIIIIIII', 1, 0x1000, BASE, BASE, len(text), len(text), 7, 0x1000)
notes = struct.pack('<IIIIIIII', 4, head, 0, 0, len(note), len(note), 4, 4)
sys.stdout.buffer.write((elf + load + notes + note).ljust(0x1000, b'\0') + text)
PY
}

# tiny_config NAME: writes /tmp/NAME.cfg
tiny_config() {
    local kernel=/tmp/tiny.elf
    [ $TYPE = pv ] && kernel=/fx/guests/lib.elf
    printf '%s\n' "name='$1'" "type='$TYPE'" "kernel='$kernel'" "extra='stay=1'" "memory=64" "vcpus=1" \
        "on_crash='destroy'" >/tmp/$1.cfg
}

# hellos: how many said hello since forget_hellos
hellos() {
    if [ $TYPE = pv ]; then cat $CONSOLES/guest-tiny*.log; else xl dmesg; fi 2>/dev/null | grep -c 'TINY HELLO'
}
forget_hellos() {
    rm -f $CONSOLES/guest-tiny*.log
    xl dmesg -c >/dev/null
}
all_said() { [ "$(hellos)" -ge "$1" ]; }

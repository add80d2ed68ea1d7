# tiny.sh: sourced by jobs that need many small guests. A PVH kernel of a page, which says hello by the debug port (0xe9) and sleeps.
. /fx/jobs/lib.sh

# 32-bit code: mov esi, text; for each byte: out 0xe9, al; then sti, hlt for ever
tiny_kernel() {
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
    printf '%s\n' "name='$1'" "type='pvh'" "kernel='/tmp/tiny.elf'" "memory=64" "vcpus=1" "on_crash='destroy'" >/tmp/$1.cfg
}

# hellos: how many said hello since the console was cleared
hellos() { xl dmesg | grep -c 'TINY HELLO'; }
all_said() { [ "$(hellos)" -ge "$1" ]; }

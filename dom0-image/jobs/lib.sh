# lib.sh: what the jobs share; sourced by them inside Dom0. A job prints, for each thing that it looks at,
#   RESULT name PASS|FAIL detail      or      RESULT name VALUE number unit
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
CONSOLES=/var/log/xen/console
KERNEL=$(ls /boot/vmlinuz-* | tail -1)
JOB=${JOB:-$(basename "$0" .sh)}

result() { echo "RESULT $JOB.$*"; }
now_ms() { local t=${EPOCHREALTIME/./}; echo $((t / 1000)); }

# check NAME SECONDS COMMAND...: PASS when the command succeeds in time
check() {
    local name=$1 limit=$2 start rc
    shift 2
    start=$(now_ms)
    timeout "$limit" "$@" >/tmp/check.out 2>&1
    rc=$?
    if [ $rc = 0 ]; then
        result "$name PASS ms=$(($(now_ms) - start))"
    else
        result "$name FAIL rc=$rc ms=$(($(now_ms) - start)): $*"
        sed 's/^/    /' /tmp/check.out | tail -15
    fi
    return $rc
}

# verdict STATUS NAME DETAIL: PASS or FAIL after the exit status, which callers give as $? before what they compute for the detail
verdict() {
    local rc=$1 name=$2
    shift 2
    if [ "$rc" = 0 ]; then result "$name PASS $*"; else result "$name FAIL $*"; fi
    return "$rc"
}

# said_by COMMAND...: runs a tool, its output goes to /tmp/said
said_by() { timeout 60 "$@" >/tmp/said 2>&1; }

# unmatched PATTERNS: which of the patterns, one a line, no line of /tmp/said matches
unmatched() {
    local pattern
    while read -r pattern; do grep -q -E -- "$pattern" /tmp/said || echo "$pattern"; done <<<"$1"
}

# judged WANTED NAME PATTERNS COMMAND...: PASS when the exit status of the command is WANTED (0, or 1 for any failure but taking too
# long), and its output has a line for each of the patterns
judged() {
    local wanted=$1 name=$2 patterns=$3 rc missing
    shift 3
    said_by "$@"
    rc=$?
    missing=$(unmatched "$patterns")
    [ $rc != 124 ] && [ $((rc != 0)) = "$wanted" ] && [ -z "$missing" ]
    verdict $? "$name" "$(grep -m 1 -E -- "$(tail -1 <<<"$patterns")" /tmp/said | cut -c1-100)" && return
    echo "    rc=$rc: $*"
    [ -z "$missing" ] || sed 's/^/    lacks /' <<<"$missing"
    head -15 /tmp/said | cut -c1-150 | sed 's/^/    | /'
    return 1
}

# says NAME PATTERNS COMMAND...: PASS when the command succeeds and says what the patterns say
says() { judged 0 "$@"; }

# refused NAME PATTERNS COMMAND...: PASS when the command fails, and says what the patterns say
refused() { judged 1 "$@"; }

# until_true SECONDS COMMAND...: waits for the command to succeed; the wait itself costs little
until_true() {
    local end=$(($(now_ms) + $1 * 1000)) sign=$(($(now_ms) + 1000))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(now_ms)" -ge $end ] && return 1
        # A second of the machine's may be minutes of ours.
        [ "$(now_ms)" -ge $sign ] && sign=$(($(now_ms) + 1000)) && echo "    waiting until: $*"
        sleep 0.05
    done
}

# start_xen: the services of Debian's xen-utils, once in a boot
start_xen() {
    [ -S /run/xenstored/socket ] && return 0
    local start module
    for module in xen-evtchn xen-gntdev xen-gntalloc xen-privcmd xen-blkback xen-netback loop bridge; do
        modprobe $module || echo "    modprobe $module failed"
    done
    mount -t xenfs xenfs /proc/xen
    mkdir -p $CONSOLES
    sed -i '/^XENCONSOLED_ARGS=/d' /etc/default/xen
    echo 'XENCONSOLED_ARGS="--log=guest"' >>/etc/default/xen
    start=$(fx tsc)
    /etc/init.d/xen start
    timeout 60 xl list >/tmp/xl.list 2>&1
    verdict $? xen_start "$(($(fx tsc) - start)) instructions" || {
        cat /tmp/xl.list
        tail -5 /var/log/xen/*.log 2>/dev/null
        return 1
    }
}
fx() { /fx/fxtool "$@"; }

# free_kib: the hypervisor's free memory, to the page
free_kib() {
    PYTHONPATH=$(ls -d /usr/lib/xen-4.*/lib/python) python3 -c \
        'import xen.lowlevel.xc as x; print(x.xc().physinfo()["free_memory"])'
}

# guest_config NAME ARGS LINE...: writes /tmp/NAME.cfg; ARGS go to the guest's kernel, LINEs into the file
guest_config() {
    local name=$1 args=$2
    shift 2
    {
        printf '%s\n' "name='$name'" "type='${TYPE:-pv}'" "kernel='$KERNEL'" "ramdisk='/fx/guest.cpio'" \
            "memory=${MEMORY:-256}" "vcpus=${VCPUS:-1}" "extra='console=hvc0 quiet $args'" \
            "on_crash='destroy'"
        [ $# = 0 ] || printf '%s\n' "$@"
    } >/tmp/$name.cfg
    rm -f $CONSOLES/guest-$name.log
}

# disk_guest NAME ARGS LINE...: a copy of the guests' disk as /tmp/NAME.img, whose GRUB gives ARGS to the kernel, and /tmp/NAME.cfg
# of an HVM guest without a screen that starts from it. Its console is the serial line, unless SERIAL says where that goes and ARGS
# has another one. The job needs the guests' disk and says so.
disk_guest() {
    local name=$1 args=$2 serial
    shift 2
    modprobe tun # for emulated network cards
    serial=$(grep -lx guests /sys/block/*/serial) || return 1
    cp --sparse=always "/dev/$(basename "${serial%/serial}")" "/tmp/$name.img" || return 1
    # The EFI system partition begins after 2 MiB.
    mkdir -p /tmp/esp && mount -t vfat -o loop,offset=2097152 "/tmp/$name.img" /tmp/esp || return 1
    echo "set args='quiet $args'" >/tmp/esp/grub/args.cfg
    umount /tmp/esp || return 1
    printf '%s\n' "name='$name'" "type='hvm'" "bios='${FIRMWARE:-seabios}'" "memory=${MEMORY:-256}" "vcpus=${VCPUS:-1}" "boot='c'" \
        "usb=0" "on_crash='destroy'" "disk=['format=raw,vdev=hda,access=rw,target=/tmp/$name.img']" "vga='none'" "vnc=0" "sdl=0" \
        "nographic=1" "serial='${SERIAL:-file:$CONSOLES/guest-$name.log}'" "$@" >"/tmp/$name.cfg"
    rm -f "$CONSOLES/guest-$name.log"
}

# make_guest NAME ARGS LINE...: the guest of jobs that serve several types; TYPE=hvm-disk is what `disk_guest` makes
make_guest() {
    if [ "$TYPE" = hvm-disk ]; then disk_guest "$@"; else guest_config "$@"; fi || verdict $? "$1_config"
}

# picture DISPLAY: a VNC client gets a picture (none that has one colour only), which is printed for somebody to look at:
#   sed -n '/^PICTURE/,/^END/p' target/run.log | grep -v ' ' | base64 -di >picture.jpg
picture() {
    check vnc 120 vncsnapshot -quality 60 "$1" /tmp/picture.jpg || return 1
    echo "PICTURE of the VNC client"
    base64 -w 100 /tmp/picture.jpg
    echo "END of the picture"
}

# said NAME PATTERN: whether the guest's console shows it
said() { grep -q -E -- "$2" $CONSOLES/guest-$1.log; }
lines() { tr -d '\r' <$CONSOLES/guest-$1.log 2>/dev/null | grep -E -- "$2"; }
gone() { ! xl domid "$1"; }
ticks() { lines "$1" TICK | wc -l; }
moves() { # moves NAME SECONDS: whether a guest that ticks goes on within that time
    local before=$(ticks "$1")
    sleep "$2"
    [ "$(ticks "$1")" -gt "$before" ]
}
show_guest() { lines "$1" . | sed "s/^/  $1| /" | tail -${2:-25}; }

# guest_says NAME RESULT SECONDS PATTERN
guest_says() {
    local start=$(now_ms)
    until_true "$3" said "$1" "$4"
    verdict $? "$2" "ms=$(($(now_ms) - start)) waiting for '$4'" && return
    show_guest "$1"
    xl list
    xl dmesg | tail -15
    return 1
}

# bridge_up: a bridge for the guests with Dom0 at 10.8.0.1
bridge_up() {
    [ -d /sys/class/net/xenbr0 ] && return
    ip link add xenbr0 type bridge forward_delay 0
    ip addr add 10.8.0.1/24 dev xenbr0
    ip link set xenbr0 up
}

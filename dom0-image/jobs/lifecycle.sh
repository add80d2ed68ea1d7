# lifecycle: what xl does to a running guest: pause, vCPUs, memory, save, restore, reboot, destroy.
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
memory_is() { xl list lc | awk -v low="$1" -v high="$2" 'NR == 2 { exit !($3 >= low && $3 <= high) }'; }
last_cpus() { lines lc TICK | tail -1 | grep -q " cpus=$1 "; }

VCPUS=2 make_guest lc "fx.mode=stay $ARGS" 'maxmem=320' "on_reboot='restart'"
check create 120 xl create /tmp/lc.cfg || exit 1
guest_says lc hello 120 'HELLO FROM GUEST'
guest_says lc ticks 60 'TICK 2'

check pause 30 xl pause lc
! moves lc 3
verdict $? paused_stands_still
check unpause 30 xl unpause lc
moves lc 4
verdict $? unpaused_moves

check vcpu_set_1 30 xl vcpu-set lc 1
until_true 20 last_cpus 0
verdict $? vcpu_down "$(lines lc TICK | tail -1)"

check mem_set_192 60 xl mem-set lc 192
until_true 20 memory_is 190 193
verdict $? memory_down "$(xl list lc | awk 'NR == 2 { print $3 }') MiB"
check mem_set_256 60 xl mem-set lc 256
until_true 20 memory_is 255 257
verdict $? memory_up "$(xl list lc | awk 'NR == 2 { print $3 }') MiB"

if check save 180 xl save lc /tmp/lc.save; then
    result "save_size VALUE $(stat -c %s /tmp/lc.save) bytes"
    gone lc
    verdict $? saved_is_gone
    check restore 180 xl restore /tmp/lc.save || tail -15 /var/log/xen/xl-lc.log
    moves lc 5
    verdict $? restored_moves || { show_guest lc 8; xl dmesg | tail -10; }
    rm -f /tmp/lc.save
fi

hellos() { [ "$(lines lc 'HELLO FROM' | wc -l)" -gt "$1" ]; }
before=$(lines lc 'HELLO FROM' | wc -l)
check reboot 60 xl reboot lc
until_true 120 hellos "$before"
verdict $? rebooted || { show_guest lc 12; tail -15 /var/log/xen/xl-lc.log; }
sleep 2
check destroy 60 xl destroy lc
until_true 20 gone lc
verdict $? gone
show_guest lc 12

# A guest whose time stamp counter is emulated: it begins with the guest, and goes on in what is restored.
dom0=$(fx tsc)
counter() { lines tsc HELLO | sed 's/.*tsc=//' | tail -1; }
make_guest tsc "fx.mode=stay $ARGS" "tsc_mode='always_emulate'"
check tsc_create 120 xl create /tmp/tsc.cfg
guest_says tsc tsc_ticks 120 'TICK 2'
[ "$(counter)" -gt 0 ] && [ "$(counter)" -lt "$dom0" ]
verdict $? tsc_is_its_own "$(counter), in Dom0 $dom0"
check tsc_save 180 xl save tsc /tmp/tsc.save
check tsc_restore 180 xl restore /tmp/tsc.save
moves tsc 5
verdict $? tsc_restored_moves || { show_guest tsc 8; xl dmesg | tail -10; }
rm -f /tmp/tsc.save
check tsc_destroy 60 xl destroy tsc
until_true 20 gone tsc
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"

# bench: what `cargo xtask bench` compares. One processor, counting instructions, so that a tick is an instruction (or
# a nanosecond of idling). Lower is better for every value.
. /fx/jobs/lib.sh
value() { result "$1 VALUE $2 $3"; }
uptime_ns=$(awk -v up="$DOM0_UPTIME" 'BEGIN { printf "%d", up * 1e9 }')
value dom0_user_space "$DOM0_TSC" instructions
value hypervisor_boot $((DOM0_TSC - uptime_ns)) instructions
start=$(fx tsc)
start_xen || exit 1
value services_start $(($(fx tsc) - start)) instructions
own=$((($(xl info | awk '/^total_memory/ { print $3 }') - DOM0_MIB) * 1024 - $(free_kib)))
value hypervisor_memory $own KiB
fx loops | while read -r _ name ticks _; do value "dom0.$name" "$ticks" instructions; done

start=$(fx tsc)
for _ in 1 2 3 4 5 6 7 8 9 10; do xl list >/dev/null; done
value xl_list_10 $(($(fx tsc) - start)) instructions

free=$(free_kib)
guest_config bench 'fx.mode=loops,stay'
start=$(fx tsc)
check create 120 xl create /tmp/bench.cfg || exit 1
value xl_create $(($(fx tsc) - start)) instructions
hello=$(fx wait $CONSOLES/guest-bench.log 'HELLO FROM GUEST' 120)
verdict $? hello && value create_to_hello $((hello - start)) instructions
fx wait $CONSOLES/guest-bench.log 'TICK 1' 120 >/dev/null
verdict $? guest_loops
lines bench '^LOOP' | while read -r _ name ticks _; do value "guest.$name" "$ticks" instructions; done
value guest_memory_above_size $((free - $(free_kib) - 256 * 1024)) KiB
start=$(fx tsc)
xl destroy bench
value xl_destroy $(($(fx tsc) - start)) instructions
until_true 20 gone bench
verdict $? gone

bridge_up
truncate -s 32M /tmp/io.img
guest_config io 'fx.mode=disk,net fx.mib=8' "disk=['format=raw,vdev=xvda,access=rw,target=/tmp/io.img']" \
    "vif=['bridge=xenbr0,mac=00:16:3e:00:00:02']"
[ -p /tmp/hold ] || mkfifo /tmp/hold
exec 9<>/tmp/hold
busybox timeout 300 busybox nc -l -p 7000 <&9 >/dev/null 2>&1 &
start=$(fx tsc)
xl create /tmp/io.cfg
end=$(fx wait $CONSOLES/guest-io.log 'GUEST end' 240)
verdict $? io && value io_guest_create_to_end $((end - start)) instructions
until_true 60 gone io
verdict $? io_gone || show_guest io

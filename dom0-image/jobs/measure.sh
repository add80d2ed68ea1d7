# measure.sh: sourced by the jobs of `cargo xtask bench`. One processor, counting instructions, so that a tick is an instruction
# (or a nanosecond of idling). Lower is better for every value. The names of the values begin with the job's, less "bench-".
. /fx/jobs/lib.sh

# value NAME NUMBER UNIT
value() { result "$1 VALUE $2 $3"; }

# timed NAME COMMAND...: what the command takes; fails when it does
timed() {
    local name=$1 start rc
    shift
    start=$(fx tsc)
    "$@" >/tmp/timed.out 2>&1
    rc=$?
    [ $rc = 0 ] || { result "$name FAIL rc=$rc: $*"; sed 's/^/    /' /tmp/timed.out | tail -5; return $rc; }
    value "$name" $(($(fx tsc) - start)) instructions
}

# loops: LOOP lines on standard input become values
loops() { while read -r _ name ticks _; do value "$name" "$ticks" instructions; done; }

# Instructions until user space ran, and of these the ones before Linux began to count.
boot_values() {
    value user_space "$DOM0_TSC" instructions
    value before_linux $((DOM0_TSC - $(awk -v up="$DOM0_UPTIME" 'BEGIN { printf "%d", up * 1e9 }'))) instructions
}

# one_guest: creates a guest of $TYPE, times it and what runs in it, and destroys it
one_guest() {
    local free start hello
    free=$(free_kib)
    guest_config bench 'fx.mode=loops,stay'
    start=$(fx tsc)
    timed create xl create /tmp/bench.cfg || return 1
    hello=$(fx wait $CONSOLES/guest-bench.log 'HELLO FROM GUEST' 120)
    verdict $? hello && value create_to_hello $((hello - start)) instructions
    fx wait $CONSOLES/guest-bench.log 'TICK 1' 120 >/dev/null
    verdict $? guest_loops
    lines bench '^LOOP' | loops
    value memory_above_size $((free - $(free_kib) - 256 * 1024)) KiB
    timed destroy xl destroy bench
    until_true 20 gone bench
    verdict $? gone
}

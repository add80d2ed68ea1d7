# pv-hostile: hostile PV guests, two at once, beside a guest that must go on; what they took comes back to the page. ROUNDS= and STEPS=
# in the environment. Most guests end by themselves, done or broken; each third pair is destroyed in the midst of it.
. /fx/jobs/lib.sh
start_xen || exit 1
ROUNDS=${ROUNDS:-12} STEPS=${STEPS:-40000}
guest_config neighbour fx.mode=stay
check create 120 xl create /tmp/neighbour.cfg || exit 1
guest_says neighbour ticks 120 'TICK 2' || exit 1

hostile() { # hostile NAME SEED
    printf '%s\n' "name='$1'" "type='pv'" "kernel='/fx/guests/hostile.elf'" "memory=32" "vcpus=1" \
        "extra='wild=$2 steps=$STEPS'" "on_crash='destroy'" "on_poweroff='destroy'" >/tmp/$1.cfg
    xl create -q /tmp/$1.cfg
}
tick() { lines neighbour '^TICK' | tail -1 | tr -dc 0-9; }
none_left() { ! xl list | grep -q '^wild'; }
begun() { grep -q 'WILD begins' $CONSOLES/guest-wild$1a.log && grep -q 'WILD begins' $CONSOLES/guest-wild$1b.log; }
ticked() { [ "$(tick)" -gt "$before" ]; }

free=$(free_kib) stuck=0
for round in $(seq $ROUNDS); do
    before=$(tick)
    hostile wild${round}a $((2 * round)) && hostile wild${round}b $((2 * round + 1)) || { result "create$round FAIL"; break; }
    if [ $((round % 3)) = 0 ]; then
        until_true 60 begun $round
        xl destroy wild${round}a
        xl destroy wild${round}b
    fi
    until_true 240 none_left || { stuck=$((stuck + 1)); for n in a b; do xl destroy wild$round$n; done; }
    until_true 20 ticked || { result "neighbour FAIL stands still in round $round"; break; }
done
[ $round = $ROUNDS ] && [ $stuck = 0 ]
verdict $? rounds "$round, $stuck guests did not end"
all=$(cat $CONSOLES/guest-wild*.log)
result "begun VALUE $(echo "$all" | grep -c 'WILD begins') guests, $(echo "$all" | grep -c 'WILD ends') came to the end of their steps"
echo "$all" | grep -E 'DIFFERS|FAIL' | sort | uniq -c | head -20
! echo "$all" | grep -q 'TEST hostile.*FAIL'
verdict $? refused "what they tried on purpose before"
until_true 20 ticked
verdict $? neighbour "TICK $(tick)"
back() { [ $(free_kib) = "$free" ]; }
until_true 20 back
verdict $? memory_given_back "$((free - $(free_kib))) KiB missing"
xl dmesg | grep -E 'crashed|suppressed' | tail -12
check shutdown 60 xl shutdown -w neighbour

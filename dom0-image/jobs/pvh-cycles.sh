# pvh-cycles: 200 PVH guests (or TYPE=), one after the other; nothing is left behind.
. /fx/jobs/tiny.sh
start_xen || exit 1
CYCLES=200
tiny_kernel
tiny_config tiny
# What the first ones make Dom0 and the hypervisor keep for the next ones counts for none.
for n in 1 2 3; do xl create -q /tmp/tiny.cfg && xl destroy tiny; done
sleep 1
free=$(free_kib)
start=$(now_ms)
for n in $(seq $CYCLES); do
    forget_hellos
    xl create -q /tmp/tiny.cfg || break
    until_true 20 all_said 1 || break
    xl destroy tiny || break
    [ $((n % 20)) = 0 ] && echo "    $n cycles: $((free - $(free_kib))) KiB missing"
done
[ $n = $CYCLES ]
verdict $? cycles "$n in $(($(now_ms) - start)) ms"
back() { [ $(free_kib) = "$free" ]; }
until_true 20 back
verdict $? memory_given_back "$((free - $(free_kib))) KiB missing"

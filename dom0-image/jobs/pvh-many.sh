# pvh-many: 40 PVH guests (or TYPE=) of 64 MiB at once; each says hello, and what they took comes back.
. /fx/jobs/tiny.sh
start_xen || exit 1
GUESTS=40
tiny_kernel
forget_hellos
free=$(free_kib)
start=$(now_ms)
for n in $(seq $GUESTS); do
    tiny_config tiny$n
    begun=$(now_ms)
    xl create -q /tmp/tiny$n.cfg || { result "create$n FAIL"; xl dmesg | tail -5; exit 1; }
    took=$(($(now_ms) - begun))
done
result "create PASS $GUESTS guests in $(($(now_ms) - start)) ms, the last one in $took"
until_true 60 all_said $GUESTS
verdict $? hello "$(hellos) guests"
[ "$(xl list | grep -c '^tiny')" = $GUESTS ]
verdict $? list "$(xl list | grep -c '^tiny') guests"
result "memory VALUE $(((free - $(free_kib)) / GUESTS)) KiB per guest of 65536"
start=$(now_ms)
for n in $(seq $GUESTS); do xl destroy tiny$n || break; done
verdict $? destroy "$(($(now_ms) - start)) ms"
back() { [ $(free_kib) -ge $((free - 1024)) ]; }
until_true 30 back
verdict $? memory_given_back "$((free - $(free_kib))) KiB missing"

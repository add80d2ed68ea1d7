# pvh-sizes: PVH guests with the least memory that Debian's kernel starts with, and with much of it and 8 virtual CPUs.
TYPE=pvh
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
MEMORY=128 guest_config small fx.mode=stay
MEMORY=3072 VCPUS=8 guest_config large fx.mode=stay
for name in small large; do
    check create_$name 300 xl create /tmp/$name.cfg || exit 1
    guest_says $name hello_$name 300 'HELLO FROM GUEST'
done
guest_says large all_vcpus 120 'TICK .* cpus=0-7 '
xl vcpu-list
result "large VALUE $(lines large '^GUEST kernel' | tail -1)"
for name in small large; do
    check shutdown_$name 120 xl shutdown -w $name
done
back() { [ $(free_kib) -ge $((free - 1024)) ]; }
until_true 30 back
verdict $? memory_given_back "$((free - $(free_kib))) KiB missing"

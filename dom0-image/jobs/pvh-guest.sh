# pvh-guest: a PVH guest is created, says hello and powers off; nothing is left behind. VCPUS= in the environment.
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
TYPE=pvh guest_config pvh fx.mode=hello
check create 120 xl create /tmp/pvh.cfg || { xl dmesg | tail -20; tail -5 /var/log/xen/xl-pvh.log; exit 1; }
guest_says pvh hello 120 'HELLO FROM GUEST'
until_true 60 gone pvh
verdict gone || xl destroy pvh
show_guest pvh
lines pvh 'GUEST kernel' | grep -q "type=xen/PVH xen=4.20.*cpus=${VCPUS:-1} "
verdict seen_by_guest
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict memory_given_back "$leak KiB missing"

# pv-guest: a guest is created, says hello and powers off; nothing is left behind. TYPE= and VCPUS= in the environment.
. /fx/jobs/lib.sh
TYPE=${TYPE:-pv}
start_xen || exit 1
free=$(free_kib)
guest_config "$TYPE" fx.mode=hello
check create 120 xl create "/tmp/$TYPE.cfg" || { xl dmesg | tail -20; exit 1; }
guest_says "$TYPE" hello 120 'HELLO FROM GUEST'
until_true 60 gone "$TYPE"
verdict $? gone || xl destroy "$TYPE"
show_guest "$TYPE"
lines "$TYPE" 'GUEST kernel' | grep -q "type=xen/${TYPE^^} xen=4.20.*cpus=${VCPUS:-1} "
verdict $? seen_by_guest
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"

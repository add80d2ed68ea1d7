# pv-guest: a PV guest is created, says hello and powers off; nothing is left behind. VCPUS= in the environment.
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
guest_config pv fx.mode=hello
check create 120 xl create /tmp/pv.cfg || exit 1
guest_says pv hello 120 'HELLO FROM GUEST'
until_true 60 gone pv
verdict $? gone || xl destroy pv
show_guest pv
lines pv 'GUEST kernel' | grep -q "type=xen/PV xen=4.20.*cpus=${VCPUS:-1} "
verdict $? seen_by_guest
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"

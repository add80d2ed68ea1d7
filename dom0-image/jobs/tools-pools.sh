# tools-pools: CPU pools by xl, with two processors: a PV guest moves to a pool of its own and back, and another starts there.
. /fx/jobs/lib.sh
start_xen || exit 1
guest_config pv fx.mode=stay
check create 120 xl create /tmp/pv.cfg || exit 1
guest_says pv hello 120 'TICK 1 '
ticks() { lines "$1" TICK | wc -l; }
# ticks_on NAME CPU: the guest runs on, and on that CPU
ticks_on() { [ "$(ticks "$1")" -ge "$before" ] && xl vcpu-list "$1" | grep -q -E "^$1 +[0-9]+ +0 +$2 "; }
# runs_on NAME RESULT CPU: its clock ticks three more times
runs_on() {
    before=$(($(ticks "$1") + 3))
    until_true 60 ticks_on "$1" "$3"
    verdict $? "$2" "$(xl vcpu-list "$1" | tail -1)" || show_guest "$1" 4
}

says one_pool '^Pool-0 +2 +credit2 +y +2$' xl cpupool-list
check cpu_remove 20 xl cpupool-cpu-remove Pool-0 1
says cpu_removed '^Pool-0 +1 +credit2 +y +2$' xl cpupool-list
refused cpu_removed_twice . xl cpupool-cpu-remove Pool-0 1
refused last_cpu . xl cpupool-cpu-remove Pool-0 0
runs_on pv runs_on_the_other_cpu 0
refused unknown_scheduler . xl cpupool-create 'name="wrong"' 'sched="fair"' 'cpus=["1"]'
check pool_create 20 xl cpupool-create 'name="other"' 'sched="credit2"' 'cpus=["1"]'
says pool_created '^other +1 +credit2 +y +0$' xl cpupool-list
refused cpu_of_another_pool . xl cpupool-create 'name="third"' 'cpus=["0"]'
check weight 20 xl sched-credit2 -d pv -w 512
check migrate 20 xl cpupool-migrate pv other
says migrated '^Pool-0 +1 +credit2 +y +1$
^other +1 +credit2 +y +1$' xl cpupool-list
runs_on pv runs_in_the_pool 1
says starts_there_anew "^pv +$(xl domid pv) +256 +0\$" xl sched-credit2 -d pv
refused pin_outside . xl vcpu-pin pv 0 0
refused last_cpu_with_domain . xl cpupool-cpu-remove other 1
refused destroy_with_domain . xl cpupool-destroy other
check rename 20 xl cpupool-rename other another
says renamed '^another +1 +credit2 +y +1$' xl cpupool-list
guest_config second fx.mode=stay "pool='another'"
check create_in_pool 120 xl create /tmp/second.cfg
guest_says second hello_in_pool 120 'TICK 1 '
runs_on second second_runs_in_the_pool 1
check destroy_second 60 xl destroy second
check migrate_back 20 xl cpupool-migrate pv Pool-0
runs_on pv back_in_pool_0 0
check pool_destroy 20 xl cpupool-destroy another
says pool_destroyed '^Pool-0 +1 +credit2 +y +2$' xl cpupool-list
refused migrate_to_nowhere . xl cpupool-migrate pv another
check cpu_add 20 xl cpupool-cpu-add Pool-0 1
says all_cpus_again '^Pool-0 +2 +credit2 +y +2$' xl cpupool-list
check vcpu_pin 20 xl vcpu-pin pv 0 1
runs_on pv runs_on_the_second_cpu_again 1
check destroy 60 xl destroy pv

# smp-guest: like pv-guest, with two virtual CPUs, that also move between physical ones.
. /fx/jobs/lib.sh
start_xen || exit 1
VCPUS=2 make_guest smp "fx.mode=stay $ARGS"
check create 120 xl create /tmp/smp.cfg || exit 1
guest_says smp hello 120 'HELLO FROM GUEST'
guest_says smp both_vcpus 60 'TICK 2 cpus=0-1'
check pin 30 xl vcpu-pin smp all 0
guest_says smp ticks_pinned 60 'TICK 4'
check unpin 30 xl vcpu-pin smp all all
check vcpu_down 30 xl vcpu-set smp 1
guest_says smp one_vcpu 30 'TICK .* cpus=0 '
check vcpu_up 30 xl vcpu-set smp 2
ticks() { lines smp TICK | tail -1 | grep -q ' cpus=0-1 '; }
until_true 30 ticks
verdict $? both_vcpus_again "$(lines smp TICK | tail -1)"
xl vcpu-list
show_guest smp 6
check destroy 60 xl destroy smp

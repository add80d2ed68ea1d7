# demo: what `cargo xtask run` shows: the services start, a PV guest comes up, says hello, is listed and shut down.
. /fx/jobs/lib.sh
start_xen || exit 1
xl info | grep -E '^(release|xen_version|xen_caps|nr_cpus|total_memory|free_memory)'
guest_config demo fx.mode=stay
check create 120 xl create /tmp/demo.cfg || exit 1
guest_says demo hello 120 'HELLO FROM GUEST'
guest_says demo ticks 60 'TICK 2'
show_guest demo
xl list
if [ "$SHELL_AFTER" = 1 ]; then
    echo "The guest goes on running: try 'xl console demo' (Ctrl-] leaves it), 'xl vcpu-list', 'xl shutdown demo'."
    exit 0
fi
check shutdown 60 xl shutdown -w demo
xl list

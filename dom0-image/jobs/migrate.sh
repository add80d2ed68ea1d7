# migrate: a running guest goes to the same host and on there, with its memory. Debian's Xen does so with PVH and HVM guests.
. /fx/jobs/lib.sh
start_xen || exit 1
free=$(free_kib)
make_guest mg "fx.mode=stay $ARGS"
check create 120 xl create /tmp/mg.cfg || exit 1
guest_says mg ticks 300 'TICK 3'
domid=$(xl domid mg)
check migrate 600 xl migrate -s '' mg 'xl migrate-receive' || { xl list; xl dmesg | tail -10; tail -n 8 /var/log/xen/xl-mg*.log; }
[ "$(xl domid mg)" -gt "$domid" ]
verdict $? is_another_domain "$(xl list | tail -1)"
# xenconsoled names the log after what the domain was called when it came.
mv $CONSOLES/guest-mg.log $CONSOLES/guest-before.log
ln -s guest-mg--incoming.log $CONSOLES/guest-mg.log
until_true 20 said mg TICK
moves mg 3
verdict $? moves "$(lines before TICK | tail -1) | $(lines mg TICK | tail -1)"
[ "$(lines mg TICK | head -1 | cut -d' ' -f2)" = $(($(lines before TICK | tail -1 | cut -d' ' -f2) + 1)) ]
verdict $? went_on_where_it_was || { show_guest before 4; show_guest mg 4; }
check shutdown 120 xl shutdown -w mg || xl destroy mg
until_true 20 gone mg
verdict $? gone
sleep 1
leak=$((free - $(free_kib)))
[ $leak -le 16 ]
verdict $? memory_given_back "$leak KiB missing"

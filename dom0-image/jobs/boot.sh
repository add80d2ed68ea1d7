# boot: Dom0 came up and Debian's tools see a Xen 4.20 with the machine's processors and memory.
. /fx/jobs/lib.sh
result "dom0_user_space VALUE $DOM0_TSC instructions, uptime $DOM0_UPTIME s"
start_xen || exit 1
[ "$(cat /sys/hypervisor/type)" = xen ] && grep -q control_d /proc/xen/capabilities
verdict $? sysfs "$(cat /sys/hypervisor/type) $(cat /proc/xen/capabilities)"
[ "$(cat /sys/hypervisor/version/major).$(cat /sys/hypervisor/version/minor)" = 4.20 ]
verdict $? version
xl list | awk 'NR == 2 && $1 == "Domain-0" && $2 == 0 { ok = 1 } END { exit !ok }'
verdict $? xl_list
xl info >/tmp/info && xl vcpu-list && xl uptime
verdict $? xl_info "$(awk '/^(nr_cpus|total_memory|free_memory)/{printf "%s=%s ", $1, $3}' /tmp/info)"
xl dmesg >/tmp/dmesg && grep -q '(XEN)' /tmp/dmesg && [ "$(wc -l </tmp/dmesg)" -ge 5 ]
verdict $? xl_dmesg "$(wc -l </tmp/dmesg) lines"
pgrep -x oxenstored >/dev/null && pgrep -x xenconsoled >/dev/null && pgrep -f xen-domid >/dev/null
verdict $? daemons "xenstored, xenconsoled, QEMU"
cpus=$(grep -c ^processor /proc/cpuinfo)
[ "$cpus" = "$(awk '/^nr_cpus/{print $3}' /tmp/info)" ]
verdict $? cpus "$cpus"
total=$(awk '/^total_memory/{print $3}' /tmp/info)
result "hypervisor_own VALUE $(((total - DOM0_MIB) * 1024 - $(free_kib))) KiB (of $total MiB, with $DOM0_MIB MiB for Dom0)"
result "clock VALUE $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
before=$(date +%s%N) && sleep 2 && after=$(date +%s%N)
# With several processors time is the host's, and so is its load: starting `date` may take a second.
most=3000; [ "$cpus" = 1 ] || most=10000
[ $(((after - before) / 1000000)) -ge 2000 ] && [ $(((after - before) / 1000000)) -lt "$most" ]
verdict $? sleep "2 s took $(((after - before) / 1000000)) ms"
! dmesg | grep -E 'BUG:|Oops|WARNING: CPU|rcu.*stall|soft lockup'
verdict $? kernel_log

# bench-dom0: boot, what the hypervisor keeps, processes in Dom0, and its tools without a guest.
. /fx/jobs/measure.sh
JOB=bench-boot
boot_values
start=$(fx tsc)
start_xen || exit 1
value services_start $(($(fx tsc) - start)) instructions
value hypervisor_memory $((($(xl info | awk '/^total_memory/ { print $3 }') - DOM0_MIB) * 1024 - $(free_kib))) KiB
JOB=bench-dom0
fx loops | loops
JOB=bench-tools
ten_lists() { for _ in 1 2 3 4 5 6 7 8 9 10; do xl list || return 1; done; }
timed xl_list_10 ten_lists
timed xl_info xl info
JOB=bench-dom0
result ends PASS

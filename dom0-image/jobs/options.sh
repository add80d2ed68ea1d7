# options: each option that stands on the hypervisor's command line has its effect.
. /fx/jobs/lib.sh
start_xen || exit 1
line=$(xl info | sed -n 's/^xen_commandline *: //p')
echo "    $line"
# option NAME: its last value, if it is there
option() { printf '%s\n' $line | sed -n "s/^$1=//p" | tail -1 | grep .; }
info() { xl info | sed -n "s/^$1 *: //p"; }
dom0_kib() { # dom0_kib mem_kb|maxmem_kb
    PYTHONPATH=$(ls -d /usr/lib/xen-4.*/lib/python) python3 -c \
        "import xen.lowlevel.xc as x; print(x.xc().domain_getinfo(0, 1)[0]['$1'])"
}
# amount VALUE: in KiB what 1G, 25% or 1G+10% means; a percentage is of what was free before Dom0 was built
amount() {
    local all=$(($(info total_memory) * 1024)) sum=0 size=${1#-} part
    for part in ${size//+/ }; do
        case $part in
        *%) sum=$((sum + all * ${part%\%} / 100)) ;;
        *G) sum=$((sum + ${part%G} * 1024 * 1024)) ;;
        *M) sum=$((sum + ${part%M} * 1024)) ;;
        esac
    done
    case $1 in -*) echo $((all - sum)) ;; *) echo $sum ;; esac
}
near() { [ "$1" -ge $(($2 * 97 / 100)) ] && [ "$1" -le $(($2 * 101 / 100)) ]; }

if value=$(option dom0_mem); then
    for part in ${value//,/ }; do
        case $part in
        max:*)
            near "$(dom0_kib maxmem_kb)" "$(amount "${part#max:}")"
            verdict $? dom0_mem_max "$part: $(dom0_kib maxmem_kb) KiB"
            ;;
        min:*)
            [ "$(dom0_kib mem_kb)" -ge $(($(amount "${part#min:}") * 97 / 100)) ]
            verdict $? dom0_mem_min "$part: $(dom0_kib mem_kb) KiB"
            ;;
        *)
            near "$(dom0_kib mem_kb)" "$(amount "$part")"
            verdict $? dom0_mem "$part: $(dom0_kib mem_kb) KiB"
            ;;
        esac
    done
fi
if value=$(option maxcpus); then
    [ "$(info nr_cpus)" = "$value" ]
    verdict $? maxcpus "$(info nr_cpus)"
fi
if value=$(option dom0_max_vcpus); then
    [ "$(xl vcpu-list Domain-0 | grep -c ^Domain-0)" = "$value" ] && [ "$(grep -c ^processor /proc/cpuinfo)" = "$value" ]
    verdict $? dom0_max_vcpus "$value vCPUs on $(info nr_cpus) CPUs"
fi
if value=$(option sched); then
    [ "$(info xen_scheduler)" = credit2 ] && { [ "$value" = credit2 ] || xl dmesg | grep -q "Warning: .*sched=$value"; }
    verdict $? sched "$(xl dmesg | grep -o 'Warning: .*sched=.*')"
fi
if value=$(option gnttab_max_frames); then
    xen-diag gnttab_query_size 0 | tee /tmp/grants | grep -q "max_nr_frames=$value\$"
    verdict $? gnttab_max_frames "$(cat /tmp/grants)"
fi
if value=$(option frobnicate); then
    xl dmesg | grep 'Warning: .*frobnicate' >/tmp/named
    verdict $? unknown_is_named "$(cat /tmp/named)"
fi
if value=$(option conring_size); then
    # More than the default of 16 KiB is kept, its beginning included, and not more than was asked for.
    for _ in $(seq 60); do xl debug-keys h; done
    xl dmesg >/tmp/log
    size=$(stat -c %s /tmp/log)
    [ "$size" -gt 20000 ] && [ "$size" -le $((${value%k} * 1024)) ] && grep -q 'Command line:' /tmp/log
    verdict $? conring_size "$size bytes kept of ${value}"
fi

# tools: what the tools of xen-utils say of the machine, of a PV guest and of a PVH guest, and what they change. One processor;
# what takes two (CPU pools) is in tools-pools.
. /fx/jobs/lib.sh
PATH=$PATH:$(ls -d /usr/lib/xen-4.*/bin)
start_xen || exit 1
guest_config pv fx.mode=stay
TYPE=pvh guest_config pvh fx.mode=stay
check create 120 xl create /tmp/pv.cfg || exit 1
check create_pvh 120 xl create /tmp/pvh.cfg || exit 1
guest_says pv hello 120 'TICK 1 '
guest_says pvh hello_pvh 120 'TICK 1 '
PV=$(xl domid pv) PVH=$(xl domid pvh)
UUID='[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'

# The machine
says info_n "^xen_scheduler *: credit2\$
^ *0: +[0-9-]+ +[0-9-]+ +[0-9-]+\$
^ *0: +[0-9]{4} +[0-9]+ +10\$" xl info -n
says list_v "^Domain-0 +0 .*$UUID
^pvh +$PVH +25[56] +1 .*$UUID" xl list -v
says uptime "^pv +$PV +[0-9:]+" xl uptime
says claims "^pv +$PV +25[56] +1 .* 0 *\$" xl claims
says cpupool_list '^Pool-0 +1 +credit2 +y +3$' xl cpupool-list
says cpupool_list_cpus '^Pool-0 +0$' xl cpupool-list -c
refused cpupool_without_cpu '.' xl cpupool-create 'name="other"' 'cpus=["0"]'
says last_cpu 'Error removing cpu 0 from cpupool' xl cpupool-cpu-remove Pool-0 0
refused cpu_offline '.' xen-hptool cpu-offline 1
says livepatch 'Nothing to list' xen-livepatch list
says hypfs_minor '^20$' xenhypfs cat /buildinfo/version/minor
says hypfs_tree '^ +buildinfo/
^ +params/
^ +loglvl
^ +sched-gran' xenhypfs tree
check set_parameters 20 xl set-parameters loglvl=error
says parameter_is_set '^error/error$' xenhypfs cat /params/loglvl
check set_parameters_back 20 xl set-parameters loglvl=all
refused set_unknown_parameter '.' xl set-parameters frobnicate=1
refused set_parameter_to_nonsense '.' xl set-parameters loglvl=loud
refused write_to_a_fact '.' xenhypfs write /buildinfo/version/minor 21
says ucode '0x0*[0-9a-f]+' xen-ucode show-cpu-info
says detect 'Running in PV context on Xen [Vv]4\.20' xen-detect
says memshare_info '.' xen-memshare info
says mceinj '[Uu]sage' xen-mceinj -h

# Processors
says idle_states '^All C-states allowed
^cpu id +: 0
C1' xenpm get-cpuidle-states
says topology '^CPU[[:space:]]+core[[:space:]]+socket[[:space:]]+node' xenpm get-cpu-topology
says cpuid_policies 'Raw
Host
PV Max
HVM Default' xen-cpuid -p
says cpuid_policy_of_guest "Domain $PVH" xen-cpuid -p $PVH
says cpuid_features '.' xen-cpuid detail

# What only other builds have
for tool in xenlockprof xenperf 'xencov read' 'xl getenforce' flask-getenforce 'xl psr-hwinfo'; do
    refused "not_built_$(tr -dc a-z <<<"$tool")" '.' $tool
done

# The guests
says domname '^pv$' xl domname $PV
says network_list '^Idx +BE' xl network-list pv
says block_list '^Vdev +BE' xl block-list pv
says vtpm_list '^Idx +BE' xl vtpm-list pv
check rename 20 xl rename pv renamed
says renamed "^$PV\$" xl domid renamed
check rename_back 20 xl rename renamed pv
check mem_max 20 xl mem-max pv 300
says mem_max_seen '"max_memkb": 307200' xl list -l pv
check pin 20 xl vcpu-pin pv 0 0 0
says pinned "^pv +$PV +0 +0 +[-rb]{3} +[0-9.]+ +(0|all) / (0|all)\$" xl vcpu-list pv
refused pin_elsewhere '.' xl vcpu-pin pv 0 7
check unpin 20 xl vcpu-pin pv 0 all all
says unpinned 'all / all$' xl vcpu-list pv
says credit2 "^pv +$PV +256 +0\$" xl sched-credit2
check weight_and_cap 20 xl sched-credit2 -d pv -w 512 -c 50
says weight_and_cap_seen "^pv +$PV +512 +50\$" xl sched-credit2 -d pv
check rate_limit 20 xl sched-credit2 -s -r 2000
says rate_limit_seen 'ratelimit=2000us' xl sched-credit2 -s
check rate_limit_back 20 xl sched-credit2 -s -r 1000
refused credit '.' xl sched-credit -d pv
says grant_table "domid=$PV: nr_frames=[1-9][0-9]*, max_nr_frames=64" xen-diag gnttab_query_size $PV
says hvmctx '^ *CPU:
rip 0x[0-9a-f]*ffffffff[89a-f][0-9a-f]{7}
LAPIC' xen-hvmctx $PVH
RIP='^rip: ([0-9a-f]+:)?ffffffff[89a-f][0-9a-f]{7}'
says xenctx "$RIP" xenctx $PV 0
says xenctx_pvh "$RIP" xenctx $PVH 0
says events "VCPU 0: Interdomain \\(Connected\\) - Remote Domain 0
VCPU 0: Virtual IRQ 0" lsevtchn $PV
says events_pvh "VCPU 0: Interdomain \\(Connected\\) - Remote Domain 0" lsevtchn $PVH
says xenstore "name = \"pv\"" xenstore-ls /local/domain/$PV
says xenstore_watch '^/local/domain/0/name$' xenstore-watch -n 1 /local/domain/0/name
says xentop "^ +pv +[-br]{6} +[0-9]+" xentop -b -i 1
check sysrq 20 xl sysrq pv h
guest_says pv sysrq_seen 20 'sysrq: HELP'
check sysrq_pvh 20 xl sysrq pvh h
guest_says pvh sysrq_pvh_seen 20 'sysrq: HELP'
check trigger_nmi 20 xl trigger pvh nmi
guest_says pvh nmi_seen 20 'NMI'
says trigger_power_pv "'power' failed: Invalid argument" xl trigger pv power
said_by xen-mfndump dump-m2p
[ $? = 0 ] && [ "$(wc -l </tmp/said)" -gt 500000 ]
verdict $? dump_m2p "$(wc -l </tmp/said) lines" || head -5 /tmp/said
rm -f /tmp/said

# A core of the PV guest is an ELF file with all of its memory.
check dump_core 120 xl dump-core pv /tmp/pv.core
python3 - <<'PYTHON'
import mmap, struct
core = open("/tmp/pv.core", "rb")
head = core.read(64)
assert head[:5] == b"\x7fELF\x02", head[:8]
(at,), (size, count, names) = struct.unpack_from("<Q", head, 40), struct.unpack_from("<HHH", head, 58)
core.seek(at)
sections = [struct.unpack("<IIQQQQIIQQ", core.read(size)) for _ in range(count)]
core.seek(sections[names][4])
text = core.read(sections[names][5])
found = {text[s[0]:].split(b"\0")[0].decode(): s for s in sections}
assert {".note.Xen", ".xen_prstatus", ".xen_p2m", ".xen_pages"} <= set(found), list(found)
pages = found[".xen_pages"]
assert 255 << 20 <= pages[5] <= 257 << 20, pages
memory = mmap.mmap(core.fileno(), 0, prot=mmap.PROT_READ)
assert memory.find(b"Linux version 6.", pages[4]) > 0
PYTHON
verdict $? core_has_the_memory "$(stat -c %s /tmp/pv.core) bytes"
rm -f /tmp/pv.core

for tool in test-resource test-paging-mempool test-cpu-policy test-tsx 'test-xenstore -i 5'; do
    check "${tool%% *}" 60 $tool
done
# Records of run states and hypercalls, as words of 32 bits: a header with the event in its lower 28 bits, the time, what belongs to it.
timeout 60 xentrace -D -e all -T 2 /tmp/trace >/tmp/said 2>&1
python3 - <<'PYTHON'
import struct
data = open("/tmp/trace", "rb").read()
words, at, seen = struct.unpack(f"<{len(data) // 4}I", data[:len(data) // 4 * 4]), 0, {}
while at < len(words):
    header = words[at]
    event = header & 0x0fffffff
    seen[event] = seen.get(event, 0) + 1
    at += 1 + (header >> 28 & 7) + (2 if header >> 31 else 0)
runstates = sum(n for event, n in seen.items() if event & ~0xff0 == 0x21001)
assert runstates > 10 and seen.get(0x20100d, 0) > 100, seen
PYTHON
verdict $? xentrace "$(stat -c %s /tmp/trace) bytes" || { head -5 /tmp/said; xenalyze -s /tmp/trace 2>&1 | head -20; }
rm -f /tmp/trace

check destroy_pvh 60 xl destroy pvh
check destroy 60 xl destroy pv

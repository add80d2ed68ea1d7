# xl-tools: what xl shows of a running PV guest; its console, with somebody at it; reboot and shutdown.
. /fx/jobs/lib.sh
start_xen || exit 1
guest_config tools fx.mode=talk "on_reboot='restart'"
check create 120 xl create /tmp/tools.cfg || exit 1
guest_says tools listens 120 'GUEST listens'

xl list -l >/tmp/list.json && python3 - <<'PYTHON'
import json
guests = {d["config"]["c_info"]["name"]: d for d in json.load(open("/tmp/list.json"))}
assert guests["Domain-0"]["domid"] == 0, guests
tools = guests["tools"]
assert tools["domid"] > 0 and tools["config"]["c_info"]["type"] == "pv", tools
assert tools["config"]["b_info"]["target_memkb"] == 256 * 1024, tools
PYTHON
verdict $? list_long "$(wc -c </tmp/list.json) bytes of JSON"
xl vcpu-list tools | awk 'NR == 2 && $1 == "tools" && $3 == 0 && $6 >= 0 { ok = 1 } END { exit !ok }'
verdict $? vcpu_list "$(xl vcpu-list tools | tail -1)"
xl info | awk -F' *: ' '
    $1 == "xen_major" { n += $2 == 4 } $1 == "xen_minor" { n += $2 == 20 } $1 == "xen_scheduler" { n += $2 == "credit2" }
    $1 == "xen_caps" { n += $2 ~ /xen-3.0-x86_64/ } $1 == "free_memory" { n += $2 > 0 } END { exit n != 5 }'
verdict $? info
xl debug-keys q && xl dmesg | grep -q 'General information for domain [1-9]'
verdict $? debug_keys_in_dmesg
xentop -b -i 2 -d 1 >/tmp/top
# Of the second round: name, state, seconds, per cent, memory in KiB.
awk '/NAME/ { round++ } round == 2 && $1 == "tools" { ok = $3 > 0 && $5 > 250000 && $5 < 270000 }
    round == 2 && $1 == "Domain-0" { dom0 = $4 > 0 } END { exit !(ok && dom0) }' /tmp/top
verdict $? top_batch "$(grep tools /tmp/top | tail -1)"
check top 60 python3 /fx/dialog.py 50 'TERM=xterm xl top' see:Domain-0 see:tools type:q

# The guest's answer proves both ways; Ctrl-] leaves.
check console 60 python3 /fx/dialog.py 50 'xl console tools' 'type:\nhello 42\n' 'see:GUEST heard hello 42' \
    'type:and 43\n' 'see:GUEST heard and 43' 'type:\x1d'
tr -d '\r' </tmp/check.out | sed 's/^/  console| /' | tail -8

domid=$(xl domid tools)
hellos() { [ "$(lines tools 'GUEST listens' | wc -l)" -ge "$1" ]; }
check reboot 60 xl reboot tools
until_true 120 hellos 2 && [ "$(xl domid tools)" != "$domid" ]
verdict $? rebooted "domain $domid became $(xl domid tools)" || show_guest tools 12
check console_after_reboot 60 python3 /fx/dialog.py 50 'xl console tools' 'type:\nagain\n' 'see:GUEST heard again' 'type:\x1d'
check shutdown 60 xl shutdown -w tools
gone tools
verdict $? gone || xl destroy tools

# A kernel that is none: xl says so, and nothing is left of the guest.
guest_config nokernel fx.mode=talk
sed -i 's|^kernel *=.*|kernel = "/etc/os-release"|' /tmp/nokernel.cfg
! timeout 60 xl create /tmp/nokernel.cfg >/tmp/nokernel.out 2>&1 && grep -qi 'invalid kernel' /tmp/nokernel.out && gone nokernel
verdict $? no_kernel "$(grep -i 'invalid kernel' /tmp/nokernel.out | tail -1)" || cat /tmp/nokernel.out

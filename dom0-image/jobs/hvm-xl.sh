# hvm-xl: what an operator does to an HVM guest: types on its serial line, sends SysRq keys and an NMI, shuts it down, presses the
# power button. The kernel also writes to the PV console, whose log is looked at.
# Needs: guest-disk
. /fx/jobs/lib.sh
start_xen || exit 1
TYPE=hvm-disk SERIAL=pty make_guest hx 'fx.mode=platform,talk console=hvc0 console=ttyS0,115200' || exit 1
talk=('see:GUEST emulated' 'see:GUEST listens' 'type:hello 42\n' 'see:GUEST heard hello 42' 'type:\x1d')
check create 300 python3 /fx/dialog.py 290 'xl create -c /tmp/hx.cfg' 'see:GRUB on' "${talk[@]}"
tr -d '\r' </tmp/check.out | grep -a GUEST | sed 's/^/  hx| /'
xl list
check console 60 python3 /fx/dialog.py 50 'xl console hx' 'type:and 43\n' 'see:GUEST heard and 43' 'type:\x1d'
check sysrq 30 xl sysrq hx h
guest_says hx sysrq_seen 30 'sysrq: HELP'
check nmi 30 xl trigger hx nmi
guest_says hx nmi_seen 30 'NMI received for unknown reason'
check shutdown 120 xl shutdown -w hx
until_true 20 gone hx
verdict $? gone
check create_again 300 python3 /fx/dialog.py 290 'xl create -c /tmp/hx.cfg' "${talk[@]}"
check power_button 30 xl trigger hx power
until_true 60 gone hx
verdict $? powered_off || xl destroy hx
show_guest hx 12
rm -f /tmp/hx.img

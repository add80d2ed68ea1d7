# keys: somebody at the serial line (the machine test's script) types for Dom0 and, after three times Ctrl-A, debug keys.
. /fx/jobs/lib.sh
start_xen || exit 1
echo "keys: type for Dom0"
read -t 120 -r line </dev/console
[ "$line" = "hello Dom0" ]
verdict $? typed_for_dom0 "heard '$line'"
pressed() { [ "$(xl dmesg | grep -o "'[hqr0mei]' pressed" | sort -u | wc -l)" = 7 ]; }
echo "keys: type for the hypervisor"
until_true 120 pressed
verdict $? debug_keys "$(xl dmesg | grep -o "'[a-zA-Z0-9]' pressed" | sort -u | tr -d '\n')"

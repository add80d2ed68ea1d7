# hotplug: disks and network cards come to a running PV guest, are used there, and go, twice; Dom0 keeps nothing of them.
. /fx/jobs/lib.sh
start_xen || exit 1
bridge_up
guest_config hp 'fx.mode=hotplug fx.mib=8'
check create 120 xl create /tmp/hp.cfg || exit 1
guest_says hp waits 120 'GUEST waits for devices'
domid=$(xl domid hp)
said_times() { [ "$(lines hp "$2" | wc -l)" -ge "$1" ]; }
no_loops() { [ -z "$(losetup -a)" ]; }
no_vif() { ! [ -e "/sys/class/net/vif$domid.0" ]; }
nothing_listed() { [ "$(xl block-list hp | wc -l)" -le 1 ] && [ "$(xl network-list hp | wc -l)" -le 1 ]; }

for round in 1 2; do
    truncate -s 16M /tmp/hp.img
    check block_attach_$round 60 xl block-attach hp 'format=raw,vdev=xvda,access=rw,target=/tmp/hp.img'
    until_true 60 said_times $round 'GUEST disk OK'
    verdict $? disk_used_$round "$(lines hp 'GUEST disk OK' | tail -1 | cut -d' ' -f4-)"
    check block_detach_$round 60 xl block-detach hp xvda
    until_true 30 said_times $round 'GUEST disk gone'
    verdict $? disk_gone_$round
    until_true 20 no_loops
    verdict $? no_loop_device_$round "$(losetup -a)"
    want=$(lines hp 'GUEST disk OK' | tail -1 | grep -o 'sum=[0-9a-f]*')
    [ "sum=$(head -c 8M /tmp/hp.img | fx sum)" = "$want" ]
    verdict $? disk_seen_by_dom0_$round
    rm -f /tmp/hp.img

    check network_attach_$round 60 xl network-attach hp bridge=xenbr0 mac=00:16:3e:00:00:0$round
    until_true 60 said_times $round 'GUEST ping .* 0% packet loss'
    verdict $? card_used_$round "$(lines hp 'GUEST ping' | tail -1 | grep -o '20 packets.*')"
    check network_detach_$round 60 xl network-detach hp 0
    until_true 30 said_times $round 'GUEST card gone'
    verdict $? card_gone_$round
    until_true 20 no_vif
    verdict $? no_vif_$round
done
until_true 10 nothing_listed
verdict $? nothing_listed || { xl block-list hp; xl network-list hp; }
show_guest hp 16
check destroy 60 xl destroy hp
until_true 20 gone hp
verdict $? gone
